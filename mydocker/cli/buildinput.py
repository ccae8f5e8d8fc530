"""What the flags of build give to it: the Dockerfile and its context, values, rights, limits. All is checked before the first step."""

from __future__ import annotations

import os
import sys

from mydocker.cli.verb import option
from mydocker.engine.build import checks, platforms, secrets
from mydocker.engine.build.context import unpack_context
from mydocker.engine.build.orders import Asked
from mydocker.engine.build.sources import Context
from mydocker.engine.request.settings import labels as parse_labels
from mydocker.engine.request.values import pair
from mydocker.errors import BadInput
from mydocker.images.dockerignore import excluded_paths, read, read_in
from mydocker.images.reference import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.stages import Stages

    # The values of the flags, by parameter.
    Flags = dict[str, Any]

# How RUN's containers are limited, as `mydocker create` limits.
LIMITS = (
    option("-m", "--memory", metavar="SIZE", help="Memory limit of RUN."),
    option("--memory-swap", metavar="SIZE", help="Memory and swap together of RUN; -1 for no limit."),
    option("-c", "--cpu-shares", metavar="WEIGHT", help="RUN's share where CPUs are short [1024]."),
    option("--cpu-quota", metavar="MICROSECONDS", help="CPU time of RUN in each period."),
    option("--cpu-period", metavar="MICROSECONDS", help="Length of a period [100000]."),
    option("--cpuset-cpus", metavar="LIST", help="CPUs that RUN may use, such as 0-2,7."),
    option("--cpuset-mems", metavar="LIST", help="Memory nodes that RUN may use."),
    option("--shm-size", metavar="SIZE", help="Size of RUN's /dev/shm [64m]."),
    option("--cgroup-parent", metavar="PATH", help="The cgroup that RUN's is made in [/mydocker]."),
    option("--ulimit", "ulimits", metavar="TYPE=SOFT[:HARD]", many=True, help="A resource limit of RUN."),
    option("--add-host", "add_hosts", metavar="NAME:ADDRESS", many=True, help="A line in RUN's /etc/hosts."),
)


def refuse(flags: Flags, is_told: bool) -> None:
    """Raise BadInput for a flag that cannot be followed, with the reason. is_told: whether steps are told (--explain, --dry-run)"""
    if flags["attestations"]:
        raise BadInput(f"--attest {flags['attestations'][0]}: attestations are not made")
    for name in ("provenance", "sbom"):
        if flags[name] not in (None, "false"):
            raise BadInput(f"--{name} {flags[name]}: attestations are not made: expected false")
    if flags["progress"] == "tty" and not os.isatty(2):
        raise BadInput("--progress tty: failed to get console: standard error is no terminal", "use auto, plain or quiet")
    if flags["progress"] == "tty" and is_told:
        raise BadInput("--progress tty does not go with --explain and --dry-run: expected auto, plain or quiet")


def set_flags(how: Building, flags: Flags) -> None:
    """Give a build what its flags say. Raises BadInput."""
    how.arguments = _arguments(flags["arguments"])
    how.platform = platforms.normal(flags["platform"])
    how.predefined = platforms.arguments(how.platform)
    how.labels = parse_labels(flags["labels"], ())
    how.annotations = _annotations(flags["annotations"])
    how.secrets = secrets.secrets(flags["secrets"], os.environ)
    how.agents = secrets.agents(flags["agents"], os.environ)
    how.allowed = _allowed(flags["allowed"])
    how.contexts = dict(map(_context, flags["contexts"]))
    how.network, how.use_cache = flags["network"], not flags["no_cache"]
    how.fresh = {name.lower() for text in flags["fresh"] for name in text.split(",") if name}
    how.limits = _limits(flags)
    if how.limits:
        how.options(Asked(image="image", command=[]))  # raises what is wrong with them


def check_stages(how: Building, stages: Stages) -> None:
    """Raise BadInput unless the Dockerfile has the stages that --no-cache-filter names."""
    names = {stage.name or str(stage.number) for stage in stages.all}
    for name in sorted(how.fresh - names):
        raise BadInput(f"invalid --no-cache-filter {name!r}: expected one of the stages {', '.join(sorted(names))}")


def _arguments(texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name:
            raise BadInput(f"invalid build-arg {text!r}: expected NAME[=VALUE]")
        if equals or name in os.environ:
            found[name] = value if equals else os.environ[name]
    return found


def _annotations(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        kind, colon, rest = text.partition(":")
        named = kind in ("manifest", "index", "manifest-descriptor", "index-descriptor") and colon
        if named and kind != "manifest":
            raise BadInput(f"invalid annotation {text!r}: only a manifest gets annotations here")
        key, value = pair(rest if named else text)
        if "=" not in text:
            raise BadInput(f"invalid annotation {text!r}: expected KEY=VALUE")
        found[key] = value
    return found


def _allowed(rights: Iterable[str]) -> set[str]:
    found = {right for text in rights for right in text.split(",")}
    for right in sorted(found - {checks.INSECURE, "network.host"}):
        raise BadInput(f"invalid right {right!r}: expected {checks.INSECURE} or network.host")
    return found


def _context(text: str) -> tuple[str, Context | str]:
    """Return the name of a --build-context, and what it is: a directory, or the name of an image."""
    name, _, value = text.partition("=")
    if not name or not value:
        raise BadInput(f"invalid build-context {text!r}: expected NAME=DIRECTORY or NAME=docker-image://IMAGE")
    if value.startswith("docker-image://"):
        return name.lower(), str(parse(value.removeprefix("docker-image://")))
    if "://" in value or value.startswith("git@"):
        raise BadInput(f"invalid build-context {text!r}: it is an address: expected a directory or docker-image://IMAGE", "fetch it first")
    directory = os.path.abspath(value)
    if not os.path.isdir(directory):
        raise BadInput(f"invalid build-context {text!r}: {value!r} is no directory")
    return name.lower(), Context(directory=directory, excluded=excluded_paths(directory, read(directory, "")))


def _limits(flags: Flags) -> list[str]:
    """Return the words of `mydocker create` for the limits that were given."""
    words: list[str] = []
    for limit in LIMITS:
        given = flags[limit.into]
        values = given if limit.is_repeatable else () if given is None else (given,)
        words += [word for value in values for word in (limit.names[-1], value)]
    return words


def sources(context: str, path: str | None, scratch: str) -> tuple[str, str, str, str]:
    """Return the Dockerfile's text, its name, the context's directory and the Dockerfile's path.

    The directory is '' if there is no context, the path is '' if the Dockerfile came from standard input. Raises BadInput.
    """
    if context == "-" and path == "-":
        raise BadInput("invalid argument: can't use stdin for both build context and dockerfile")
    if "://" in context or context.startswith("git@"):
        raise BadInput(
            f"context {context!r} is an address: expected a directory or -", "fetch it first: git clone, or curl | mydocker build -"
        )
    directory = os.path.abspath(context)
    if context == "-":
        directory = _from_stdin(scratch)
        if not directory:
            return read_in("", f"{scratch}/stdin", "Dockerfile"), "Dockerfile", "", ""
    elif not os.path.isdir(context):
        raise BadInput(f"context {context!r}: expected a directory or -")
    if path == "-":
        return read_in("", "/dev/stdin", "Dockerfile"), "Dockerfile", directory, ""
    place = path if path and context != "-" else os.path.join(directory, path or "Dockerfile")
    return read_in(directory, place, path or "Dockerfile"), os.path.basename(place), directory, place


def _from_stdin(scratch: str) -> str:
    """Write standard input to a file. Return the directory of the context if it is a tar, or '' if it is a Dockerfile."""
    from mydocker.engine.build.copying import is_archive  # imported here, because tarfile takes 3 ms

    with open(f"{scratch}/stdin", "wb") as file:
        while data := sys.stdin.buffer.read(1 << 18):
            file.write(data)
    if not is_archive(file.name):
        return ""
    unpack_context("standard input", file.name, f"{scratch}/context")
    return f"{scratch}/context"
