"""build: docker's classic builder. The context comes as a tar, and what happens goes back line by line."""

from __future__ import annotations

import codecs
import json
import os
from contextlib import contextmanager
from select import POLLHUP, POLLIN, poll

from mydocker import store
from mydocker.api.call import Call
from mydocker.api.protocol import Gone
from mydocker.api.registry import denied, given_for_all
from mydocker.api.telling import Printing, Telling
from mydocker.api.wanted import options
from mydocker.engine.build import builder, platforms, stages
from mydocker.engine.build.context import BuildContext, unpack_context
from mydocker.engine.build.orders import Asked, Building
from mydocker.engine.build.running import status_of
from mydocker.engine.build.telling import LineByLine
from mydocker.engine.build.wantedcaches import CacheFrom
from mydocker.engine.catalog import images
from mydocker.engine.container.start import start as start_container
from mydocker.engine.transfer import pull as pulling
from mydocker.errors import BadInput, Damaged, Denied, StepFailed
from mydocker.images import dockerfile, index
from mydocker.images.dockerignore import read_in
from mydocker.images.reference import parse, parse_name
from mydocker.messages import ERRORS, OUTPUT
from mydocker.storage.drivers import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from mydocker.engine.build.result import Built
    from mydocker.engine.record.containers import Record
    from mydocker.engine.request.options import Options
    from mydocker.images.reference import Reference

_STDERR = 2
# {parameter: the field of docker's HostConfig that it sets for RUN}
_NUMBERS = {
    "memory": "Memory",
    "memswap": "MemorySwap",
    "cpushares": "CpuShares",
    "cpuquota": "CpuQuota",
    "cpuperiod": "CpuPeriod",
    "shmsize": "ShmSize",
}
_TEXTS = {"cpusetcpus": "CpusetCpus", "cpusetmems": "CpusetMems", "cgroupparent": "CgroupParent"}


class _ToClient(LineByLine):
    """Tells in the pieces that docker's builder writes: clients look for one that is all of an instruction."""

    def __init__(self, telling: Telling) -> None:
        super().__init__(lambda line: telling.stream(f"{line}\n"))
        self._telling = telling

    def begins(self, stage: str, number: int, count: int, source: str) -> None:
        for piece in (self.head(number, count, source), "\n"):
            self._telling.stream(piece)


def build(call: Call) -> None:
    """POST /build"""
    _refuse(call)
    names = [parse_name(name) for name in call.texts("t") if name]
    limits = _limits(call)
    telling = Telling(call.connection, is_quiet=call.flag("q"))
    try:
        built = _of_upload(call, names, limits, telling)
    except StepFailed as error:
        if not status_of(error):
            raise
        # docker's client exits with the status of the command that failed.
        _, said, rest = error.message.partition("the command '")
        message = f"The command '{rest}" if said else error.message
        telling.line({"errorDetail": {"code": status_of(error), "message": message}, "error": message})
        return telling.end()
    _tell(telling, built.id, names)


def _of_upload(call: Call, names: list[Reference], limits: dict[str, Any], telling: Telling) -> Built:
    with _scratch(call) as scratch:
        with open(f"{scratch}/body", "wb") as file:
            for piece in call.connection.body():
                file.write(piece)
        try:
            unpack_context("the context", file.name, f"{scratch}/context", is_whole=True)
        except Damaged as error:
            raise BadInput(f"invalid context: {error.message}") from error
        os.unlink(file.name)
        return _built(call, f"{scratch}/context", scratch, names, limits, telling)


def _refuse(call: Call) -> None:
    """Raise BadInput for what the classic builder of docker takes, and ours does not, and for what is for BuildKit."""
    if call.text("version") not in ("", "1"):
        raise BadInput(f"invalid version {call.text('version')!r}: expected 1, as there is no BuildKit here")
    if call.text("remote") not in ("", "client-session"):
        raise BadInput(f"remote context {call.text('remote')!r} is not supported: send the context")
    for name in ("squash", "outputs"):
        if call.flag(name):
            raise BadInput(f"{name} is not supported: expected none")


def _limits(call: Call) -> dict[str, Any]:
    """Return what every RUN gets of docker's HostConfig. Raises BadInput."""
    found: dict[str, Any] = {field: value for key, field in _NUMBERS.items() if (value := call.number(key))}
    found |= {field: call.text(key) for key, field in _TEXTS.items() if call.text(key)}
    if call.text("ulimits"):
        found["Ulimits"] = _json(call, "ulimits", list)
    if call.texts("extrahosts"):
        found["ExtraHosts"] = call.texts("extrahosts")
    _options(Asked(image="image", command=["true"]), found)  # raises what is wrong with them
    return found


def _json(call: Call, key: str, kind: type) -> Any:
    text = call.text(key)
    try:
        found = json.loads(text) if text else kind()
    except (ValueError, RecursionError) as error:
        raise BadInput(f"invalid {key} {text!r}: {error}") from error
    if not isinstance(found, kind) and found is not None:
        raise BadInput(f"invalid {key} {text!r}: expected {'an object' if kind is dict else 'a list'}")
    return found or kind()


def _options(asked: Asked, limits: dict[str, Any]) -> Options:
    """Return the options of a container of the build."""
    host = {**limits, "NetworkMode": asked.network, "Privileged": asked.privileged}
    config = {"Image": asked.image, "Cmd": asked.command, "User": asked.user, "WorkingDir": asked.directory, "HostConfig": host}
    config |= {"Entrypoint": [asked.entrypoint]} if asked.entrypoint else {}
    return options({**config, "Env": list(asked.environment), "Healthcheck": {"Test": ["NONE"]}}, "", "")


@contextmanager
def _scratch(call: Call) -> Iterator[str]:
    """Make a directory for the context, and remove it afterwards. If this process is killed, `system check` finds it."""
    path = store.temporary(call.paths.root + "/build")
    os.makedirs(path, mode=0o700)
    try:
        yield path
    finally:
        store.remove_tree(path)


def _built(call: Call, directory: str, scratch: str, names: list[Reference], limits: dict[str, Any], telling: Telling) -> Built:
    name = call.text("dockerfile") or "Dockerfile"
    place = os.path.join(directory, name)
    text = read_in(directory, place, name)
    how = Building(
        call.paths,
        BuildContext(directory, place, scratch),
        call.run(),
        _ToClient(telling),
        lambda asked: _options(asked, limits),
        lambda record, lock, secrets: _run(call, telling, record, lock, secrets),
        lambda base, platform: _pull(call, telling, base, platform),
    )
    how.show_side = lambda descriptor, lines: telling.written(lines.decode(errors="replace"), descriptor == _STDERR)
    how.begin_side = lambda: _begin_side(how, call)
    how.name = name
    how.arguments = {key: value for key, value in _json(call, "buildargs", dict).items() if isinstance(value, str)}
    how.platform = platforms.normal(call.text("platform"))
    how.predefined = platforms.arguments(how.platform)
    how.labels = {key: str(value) for key, value in _json(call, "labels", dict).items()}
    how.network = call.text("networkmode") if call.text("networkmode") != "default" else ""
    _choose_cache(call, how)
    how.limits = [f"{key}={value}" for key, value in sorted(limits.items())]
    divided = stages.divide(dockerfile.parse(text, name), how.arguments, how.predefined, name)
    built = builder.build(how, divided, call.text("target"), names)
    assert built  # this is no dry run
    return built


def _begin_side(how: Building, call: Call) -> None:
    """Have a build in a child process tell everything by its descriptors 1 and 2: its parent alone writes to the client."""
    printing = Printing(call.connection)

    def start(record: Record, lock: int, secrets: list[str]) -> int:
        try:
            return _run(call, printing, record, lock, secrets)
        except Gone as error:
            raise StepFailed("the client has gone away") from error

    how.tell = _ToClient(printing)
    how.start = start
    how.pull = lambda base, platform: _pull(call, printing, base, platform)


def _choose_cache(call: Call, how: Building) -> None:
    """Say which layers of earlier builds may be used: all, or only those of the images that are named, as docker's classic builder does."""
    names = _json(call, "cachefrom", list)
    if not all(isinstance(name, str) for name in names):
        raise BadInput(f"invalid cachefrom {names}: expected a list of images")
    how.cache_from = [images.find(call.paths, name) for name in names if platforms.is_here(call.paths, name, "")]
    # An image from elsewhere may say itself what it is worth (--cache-to type=inline).
    inline = [image for image in how.cache_from if index.STEPS in image.document]
    how.wanted_caches = [CacheFrom(words=f"sha256:{image.id}", reference=f"sha256:{image.id}") for image in inline]
    how.use_cache = not call.flag("nocache") and bool(how.cache_from or not names)


def _run(call: Call, telling: Telling, record: Record, lock: int, secrets: list[str]) -> int:
    """Run the command of a RUN, tell what it writes, and return its exit status. Raises Gone if the client goes away meanwhile."""
    decoders = {stream: codecs.getincrementaldecoder("utf-8")(errors="replace") for stream in (OUTPUT, ERRORS)}
    client = start_container(call.paths, record, lock, OUTPUT + ERRORS, secrets=secrets)
    status = client.hear(lambda stream, data: telling.written(decoders[stream].decode(data), stream == ERRORS), _waiter(call))
    client.channel.close()
    return status


def _waiter(call: Call) -> Callable[[int], None]:
    """Return a function that waits for what a descriptor tells. Raises Gone if the client goes away before."""

    def wait(descriptor: int) -> None:
        poller = poll()
        poller.register(descriptor, POLLIN)
        poller.register(call.connection.fileno(), 0)
        if dict(poller.poll()).get(call.connection.fileno(), 0) & POLLHUP:
            raise Gone

    return wait


def _pull(call: Call, telling: Telling, name: str, platform: str) -> None:
    """Get a base image, unless it is here and need not be newer."""
    if not call.flag("pull") and platforms.is_here(call.paths, name, platform):
        return
    reference = parse(name).with_default_tag()
    telling.status(f"{reference.tag or reference.digest}: Pulling from {reference.path}")
    chosen = pulling.Pulling(platform=platform, max_size=None, observer=telling.layers, keyring=given_for_all(call))
    try:
        pulling.pull(call.paths, choose(call.paths), reference, chosen, call.run())
    except Denied as error:
        raise Denied(denied(reference, error)) from error


def _tell(telling: Telling, image_id: str, names: list[Reference]) -> None:
    if telling.is_quiet:
        telling.line({"stream": f"sha256:{image_id}\n"})
    telling.line({"aux": {"ID": f"sha256:{image_id}"}})
    telling.stream(f"Successfully built {image_id[:12]}\n")
    for name in names:
        telling.stream(f"Successfully tagged {name}\n")
    telling.end()
