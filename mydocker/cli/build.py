"""The verb build: make an image from a Dockerfile."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager

from mydocker import store
from mydocker.cli.base import EXPLAIN, Session, echo
from mydocker.cli.execution import runner, telling
from mydocker.cli.lean import values
from mydocker.cli.registry import pull_one
from mydocker.cli.run import create as create_verb
from mydocker.cli.table import harmless
from mydocker.cli.verb import argument, option, switch, verb
from mydocker.engine.build import builder, checks, orders, secrets, stages
from mydocker.engine.build.context import BuildContext, unpack_context
from mydocker.engine.build.copying import is_archive
from mydocker.engine.catalog import images
from mydocker.engine.container.start import start as start_container
from mydocker.engine.request.flags import parse as parse_options
from mydocker.engine.request.options import Options
from mydocker.engine.request.settings import labels as parse_labels
from mydocker.errors import BadInput, NoImage
from mydocker.images import config, dockerfile
from mydocker.images.dockerignore import read_in
from mydocker.images.reference import parse, parse_name
from mydocker.messages import ERRORS, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.engine.record.containers import Record


# Fewer digits of an image's id than `images` shows are taken for a name. A misspelt stage such as `b` could be many ids.
_FEWEST_DIGITS = 12


@verb(
    option("-t", "--tag", "tags", metavar="NAME[:TAG]", many=True, help="The image's name; may be repeated."),
    option("-f", "--file", "path", metavar="FILE", help="The Dockerfile [CONTEXT/Dockerfile]; - is standard input."),
    option("--build-arg", "arguments", metavar="NAME[=VALUE]", many=True, help="A value for ARG; without one the caller's variable."),
    option("--target", metavar="STAGE", default="", help="Build up to this stage."),
    switch("--no-cache", help="Make every layer anew."),
    switch("--pull", help="Pull the base images even if they are here."),
    option("--network", metavar="NETWORK", default="", help="The network of RUN: none, host or a network's name [bridge]."),
    option("--label", "labels", metavar="KEY[=VALUE]", many=True, help="A label for the image."),
    option("--secret", "secrets", metavar="id=ID[,src=FILE|,env=NAME]", many=True, help="A secret for RUN --mount=type=secret."),
    option("--ssh", "agents", metavar="default|ID[=SOCKET|KEY]", many=True, help="An ssh agent, or keys, for RUN --mount=type=ssh."),
    option("--allow", "allowed", metavar="RIGHT", many=True, help="security.insecure: RUN --security=insecure may have all rights."),
    option("--iidfile", metavar="FILE", help="Write the image's id to a file."),
    switch("-q", "--quiet", help="Only the image's id, and what a failed command wrote."),
    *EXPLAIN,
    argument("context", "DIRECTORY|-"),
)
def build(session: Session, /, tags: tuple[str, ...], context: str, iidfile: str | None, quiet: bool, target: str, **flags: object) -> None:
    """Make an image by a Dockerfile from the files of a directory; - reads a Dockerfile, or a tar of a context, from standard input.

    Example: mydocker build -t web:1 --build-arg VERSION=3 .
    """
    references = [parse_name(name) for name in tags]
    with _scratch(session) as scratch:
        text, name, directory, place = _sources(context, flags["path"], scratch)
        how = _building(session, BuildContext(directory, place, scratch), quiet, bool(flags["pull"]))
        how.arguments = _arguments(flags["arguments"])  # type: ignore[arg-type]
        how.predefined = _platforms()
        how.labels = parse_labels(flags["labels"], ())  # type: ignore[arg-type]
        how.secrets = secrets.secrets(flags["secrets"], os.environ)  # type: ignore[arg-type]
        how.agents = secrets.agents(flags["agents"], os.environ)  # type: ignore[arg-type]
        how.allowed = _allowed(flags["allowed"])  # type: ignore[arg-type]
        how.network, how.use_cache, how.name = str(flags["network"]), not flags["no_cache"], name
        divided = stages.divide(dockerfile.parse(text, name), how.arguments, how.predefined, name)
        image_id = builder.build(how, divided, target, references)
    if not image_id:
        return
    if iidfile:
        with open(iidfile, "w") as file:
            file.write(f"sha256:{image_id}")
    lines = [f"Successfully built {image_id[:12]}", *(f"Successfully tagged {reference}" for reference in references)]
    echo(f"sha256:{image_id}" if quiet else "\n".join(lines))


@contextmanager
def _scratch(session: Session) -> Iterator[str]:
    """Make a directory for the files that the build has to write, and remove it afterwards.

    If the build is killed, `system check` finds the directory.
    """
    path = store.temporary(session.paths.root + "/build")
    if session.dry_run:
        path = tempfile.mkdtemp()
    os.makedirs(path, mode=0o700, exist_ok=True)
    try:
        yield path
    finally:
        store.remove_tree(path)


def _sources(context: str, path: object, scratch: str) -> tuple[str, str, str, str]:
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
    place = str(path) if path and context != "-" else os.path.join(directory, str(path or "Dockerfile"))
    return read_in(directory, place, str(path or "Dockerfile")), os.path.basename(place), directory, place


def _from_stdin(scratch: str) -> str:
    """Write standard input to a file. Return the directory of the context if it is a tar, or '' if it is a Dockerfile."""
    with open(f"{scratch}/stdin", "wb") as file:
        while data := sys.stdin.buffer.read(1 << 18):
            file.write(data)
    if not is_archive(file.name):
        return ""
    unpack_context("standard input", file.name, f"{scratch}/context")
    return f"{scratch}/context"


def _arguments(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name:
            raise BadInput(f"invalid build-arg {text!r}: expected NAME[=VALUE]")
        if equals or name in os.environ:
            found[name] = value if equals else os.environ[name]
    return found


def _allowed(rights: tuple[str, ...]) -> set[str]:
    for right in rights:
        if right not in (checks.INSECURE, "network.host"):
            raise BadInput(f"invalid right {right!r}: expected {checks.INSECURE} or network.host")
    return set(rights)


def _platforms() -> dict[str, str]:
    fields = config.platform_fields(config.host_platform())
    values = {"PLATFORM": config.host_platform(), "OS": fields["os"], "ARCH": fields["architecture"], "VARIANT": fields.get("variant", "")}
    return {prefix + key: value for prefix in ("TARGET", "BUILD") for key, value in values.items()}


def _building(session: Session, context: BuildContext, quiet: bool, always: bool) -> orders.Building:
    def tell(line: str) -> None:
        if not quiet and not session.dry_run:
            echo(harmless(line))
            sys.stdout.flush()

    def pull(name: str, platform: str) -> None:
        if not always:
            try:
                images.find(session.paths, name, _FEWEST_DIGITS)
                return
            except NoImage:
                pass
        pull_one(session, parse(name).with_default_tag(), platform, None, sys.stdout, quiet)

    return orders.Building(session.paths, context, runner(session), tell, _options, _starter(session, quiet), pull)


def _options(words: list[str]) -> Options:
    """Return the options that `mydocker create WORDS` would give a container."""
    flags = {name: value for name, value in values(create_verb, words).items() if name not in ("explain", "dry_run")}
    return parse_options({**flags, "detach_keys": None})


def _starter(session: Session, quiet: bool) -> Callable[[Record, int, list[str]], int]:
    def start(record: Record, lock: int, secrets: list[str]) -> int:
        return start_container(session.paths, record, lock, OUTPUT + ERRORS, b"", False, *telling(session), secrets=secrets).run()

    def start_quietly(record: Record, lock: int, secrets: list[str]) -> int:
        with tempfile.TemporaryFile() as output:
            saved = [os.dup(descriptor) for descriptor in (1, 2)]
            try:
                for descriptor in (1, 2):
                    os.dup2(output.fileno(), descriptor)
                status = start(record, lock, secrets)
            finally:
                for descriptor, before in zip((1, 2), saved, strict=True):
                    os.dup2(before, descriptor)
                    os.close(before)
            if status:
                output.seek(0)
                sys.stderr.buffer.write(output.read())
                sys.stderr.flush()
            return status

    return start_quietly if quiet else start
