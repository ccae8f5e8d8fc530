"""The table of the API's endpoints, as docker's specification lists them, and where each is answered: 'MODULE:FUNCTION' of mydocker.api.

A word in capitals stands for any word, NAME also for several, as the names of images have slashes. A module is imported when it is first
needed.
"""

from __future__ import annotations

import sys
from urllib.parse import unquote

from mydocker.api.protocol import Refused
from mydocker.errors import BadInput
from mydocker.version import NEWEST_API, OLDEST_API

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.api.call import Answer, Call

    Endpoint = Callable[[Call], Answer | None]

ROUTES = (
    # System
    ("GET", "/_ping", "system:ping"),
    ("HEAD", "/_ping", "system:ping"),
    ("GET", "/version", "system:version"),
    ("GET", "/info", "system:info"),
    ("GET", "/events", "events:events"),
    ("POST", "/auth", "registry:auth"),
    ("GET", "/system/df", "disk:df"),
    ("GET", "/plugins", "system:plugins"),
    # Containers
    ("GET", "/containers/json", "containers:list_"),
    ("POST", "/containers/create", "create:create"),
    ("POST", "/containers/prune", "containers:prune"),
    ("GET", "/containers/NAME/json", "containers:inspect"),
    ("GET", "/containers/ID/top", "look:top"),
    ("GET", "/containers/ID/logs", "streams:logs"),
    ("GET", "/containers/ID/changes", "look:changes"),
    ("GET", "/containers/ID/export", "archive:export"),
    ("GET", "/containers/ID/stats", "look:stats"),
    ("POST", "/containers/ID/resize", "life:resize"),
    ("POST", "/containers/ID/start", "life:start"),
    ("POST", "/containers/ID/stop", "life:stop"),
    ("POST", "/containers/ID/restart", "life:restart"),
    ("POST", "/containers/ID/kill", "life:kill"),
    ("POST", "/containers/ID/update", "containers:update"),
    ("POST", "/containers/ID/rename", "containers:rename"),
    ("POST", "/containers/ID/pause", "life:pause"),
    ("POST", "/containers/ID/unpause", "life:unpause"),
    ("POST", "/containers/ID/attach", "streams:attach"),
    ("GET", "/containers/ID/attach/ws", "streams:attach_by_websocket"),
    ("POST", "/containers/ID/wait", "wait:wait"),
    ("DELETE", "/containers/NAME", "containers:remove"),
    ("HEAD", "/containers/ID/archive", "archive:head"),
    ("GET", "/containers/ID/archive", "archive:get"),
    ("PUT", "/containers/ID/archive", "archive:put"),
    # Exec
    ("POST", "/containers/ID/exec", "exec:create"),
    ("POST", "/exec/ID/start", "exec:start"),
    ("POST", "/exec/ID/resize", "exec:resize"),
    ("GET", "/exec/ID/json", "exec:inspect"),
    # Images
    ("GET", "/images/json", "images:list_"),
    ("POST", "/images/create", "images:create"),
    ("GET", "/images/search", "registry:search"),
    ("POST", "/images/prune", "imageprune:images"),
    ("GET", "/images/get", "images:get"),
    ("POST", "/images/load", "images:load"),
    ("GET", "/images/NAME/json", "images:inspect"),
    ("GET", "/images/NAME/history", "images:history"),
    ("POST", "/images/NAME/push", "registry:push"),
    ("POST", "/images/NAME/tag", "images:tag"),
    ("GET", "/images/NAME/get", "images:get"),
    ("DELETE", "/images/NAME", "images:remove"),
    ("POST", "/commit", "commit:commit"),
    ("GET", "/distribution/NAME/json", "registry:distribution"),
    # Builds
    ("POST", "/build", "build:build"),
    ("POST", "/build/prune", "imageprune:builds"),
    # Networks
    ("GET", "/networks", "networks:list_"),
    ("GET", "/networks/", "networks:list_"),
    ("POST", "/networks/create", "networks:create"),
    ("POST", "/networks/prune", "networks:prune"),
    ("GET", "/networks/ID", "networks:inspect"),
    ("DELETE", "/networks/ID", "networks:remove"),
    ("POST", "/networks/ID/connect", "networks:connect"),
    ("POST", "/networks/ID/disconnect", "networks:disconnect"),
    # Volumes
    ("GET", "/volumes", "volumes:list_"),
    ("POST", "/volumes/create", "volumes:create"),
    ("POST", "/volumes/prune", "volumes:prune"),
    ("GET", "/volumes/ID", "volumes:inspect"),
    ("DELETE", "/volumes/ID", "volumes:remove"),
)

# What belongs to many machines, and what is done for a newer builder that then falls back to the classic one.
_SWARM = ("swarm", "nodes", "services", "tasks", "secrets", "configs")
_NO_SWARM = 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'
_MODULES = "mydocker.api."


def find(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    """Return where a request is answered, and the words of its path. Raises Refused for what no endpoint answers."""
    for verb, pattern, target in ROUTES:
        words = _words(pattern, path) if verb == method else None
        if words is not None:
            return target, words
    if method == "OPTIONS":
        return "system:options", ()
    if path.split("/")[1] in _SWARM:
        raise Refused(503, _NO_SWARM)
    raise Refused(404, "page not found")


def _words(pattern: str, path: str) -> tuple[str, ...] | None:
    """Return the words that stand in a path for the capitals of a pattern, None if it does not fit."""
    parts = pattern.split("/")
    at = next((index for index, part in enumerate(parts) if part.isupper()), None)
    if at is None:
        return () if path == pattern else None
    before, after = "/".join(parts[:at]) + "/", "".join(f"/{part}" for part in parts[at + 1 :])
    word = path[len(before) : len(path) - len(after)]
    if not (path.startswith(before) and path.endswith(after) and word) or len(path) < len(before) + len(after):
        return None
    if "/" in word.lstrip("/") and parts[at] != "NAME":
        return None
    if "\0" in (decoded := unquote(word, errors="surrogateescape")):
        raise BadInput(f"invalid path {path!r}: expected no NUL")
    return (decoded,)


def version_of(path: str) -> tuple[tuple[int, int], str]:
    """Return the version of the API that a path begins with, or else the newest, and the rest of the path. Raises BadInput."""
    first, slash, rest = path.removeprefix("/").partition("/")
    major, dot, minor = first.removeprefix("v").partition(".")
    if not (first.startswith("v") and dot and _is_number(major) and _is_number(minor)):
        return NEWEST_API, path
    version = (int(major), int(minor))
    if version > NEWEST_API:
        raise BadInput(f"client version {first[1:]} is too new. Maximum supported API version is {_text(NEWEST_API)}")
    if version < OLDEST_API:
        hint = "please upgrade your client to a newer version"
        raise BadInput(f"client version {first[1:]} is too old. Minimum supported API version is {_text(OLDEST_API)}, {hint}")
    return version, slash + rest


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def endpoint(target: str) -> Endpoint:
    """Return the function that a route names."""
    module, function = target.split(":")
    __import__(_MODULES + module)
    found: Endpoint = getattr(sys.modules[_MODULES + module], function)
    return found
