"""The verb build: make an image from a Dockerfile."""

from __future__ import annotations

import os
import sys

from mydocker import store
from mydocker.cli import buildinput
from mydocker.cli.base import EXPLAIN, Session, echo
from mydocker.cli.buildoutput import Outputs, write_metadata, write_text
from mydocker.cli.execution import runner, telling
from mydocker.cli.flags import ISOLATION, NO_TRUST
from mydocker.cli.lean import values
from mydocker.cli.table import harmless
from mydocker.cli.verb import argument, meaningless, option, refused, switch, verb
from mydocker.engine.build import builder, orders, platforms, stages
from mydocker.engine.build.context import BuildContext
from mydocker.engine.build.telling import LineByLine
from mydocker.images import dockerfile
from mydocker.images.reference import parse
from mydocker.messages import ERRORS, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from mydocker.cli.buildinput import Flags
    from mydocker.engine.build.result import Built
    from mydocker.engine.build.wantedcaches import CacheTo
    from mydocker.engine.record.containers import Record
    from mydocker.engine.request.options import Options


# What RUN --mount and --security, COPY --from and FROM are given.
_GIVEN = (
    option("--secret", "secrets", metavar="id=ID[,src=FILE|,env=NAME]", many=True, help="A secret for RUN --mount=type=secret."),
    option("--ssh", "agents", metavar="default|ID[=SOCKET|KEY]", many=True, help="An ssh agent, or keys, for RUN --mount=type=ssh."),
    option("--allow", "allowed", metavar="RIGHT", many=True, help="security.insecure: RUN --security=insecure has all rights."),
    option("--build-context", "contexts", metavar="NAME=DIR|docker-image://IMAGE", many=True, help="More files for --from=NAME."),
)
_CACHES = (
    option(
        "--cache-from", metavar="IMAGE|type=KIND,src=DIR|ref=NAME", many=True, help="Use a cache elsewhere too: local, registry, an image."
    ),
    option("--cache-to", metavar="type=KIND,dest=DIR|ref=NAME,mode=min|max", many=True, help="Write a cache: local, registry, or inline."),
)
_RESULT = (
    option("-o", "--output", "outputs", metavar="DIR|type=KIND,dest=PATH", many=True, help="local, tar, oci, docker, image or registry."),
    switch("--push", help="Push the image under its names."),
    switch("--load", help="Keep the image here; it is kept in any case."),
    option("--iidfile", metavar="FILE", help="Write the image's id to a file."),
    option("--metadata-file", metavar="FILE", help="Write the image's names and digests to a file, as JSON."),
    option("--annotation", "annotations", metavar="KEY=VALUE", many=True, help="An annotation of the image's manifest."),
    option("--label", "labels", metavar="KEY[=VALUE]", many=True, help="A label for the image."),
    meaningless("--rm", why="RUN's containers are removed in any case"),
    meaningless("--force-rm", why="RUN's containers are removed in any case"),
    meaningless("--compress", why="nothing is sent to a daemon"),
    NO_TRUST,
    ISOLATION,
)
# buildinput.py says why these are refused: some only with certain values.
_REFUSED = (
    refused("--security-opt", why="RUN --security of the Dockerfile says what a step may do"),
    refused("--squash", why="a layer belongs to one step, and is shared with other images", takes_value=False),
    option("--attest", "attestations", metavar="TYPE", many=True, help="Refused: there are no attestations.", is_hidden=True),
    option("--provenance", metavar="false", help="Only false: there are no attestations.", is_hidden=True),
    option("--sbom", metavar="false", help="Only false: there are no attestations.", is_hidden=True),
)


@verb(
    option("-t", "--tag", "tags", metavar="NAME[:TAG]", many=True, help="The image's name; may be repeated."),
    option("-f", "--file", "path", metavar="FILE", help="The Dockerfile [CONTEXT/Dockerfile]; - is standard input."),
    option("--build-arg", "arguments", metavar="NAME[=VALUE]", many=True, help="A value for ARG; without one the caller's variable."),
    option("--target", metavar="STAGE", default="", help="Build up to this stage."),
    option("--platform", metavar="OS/ARCH", default="", help="The platform of the base images [this host's]."),
    switch("--no-cache", help="Make every layer anew."),
    option("--no-cache-filter", "fresh", metavar="STAGE", many=True, help="Make every layer of a stage anew."),
    switch("--pull", help="Pull the base images even if they are here."),
    option("--network", metavar="NETWORK", default="", help="The network of RUN: none, host or a network's name [bridge]."),
    *_GIVEN,
    *buildinput.LIMITS,
    *_CACHES,
    *_RESULT,
    *_REFUSED,
    option(
        "--progress",
        choices=("auto", "plain", "tty", "quiet"),
        default="auto",
        help="tty, plain, or quiet for -q; auto is tty on a terminal [auto].",
    ),
    switch("-q", "--quiet", help="Only the image's id, and what a failed command wrote."),
    *EXPLAIN,
    argument("context", "DIRECTORY|-"),
)
def build(session: Session, /, context: str, path: str | None, target: str, **flags: object) -> None:
    """Make an image by a Dockerfile from the files of a directory; - reads a Dockerfile, or a tar of a context, from standard input.

    Steps of earlier builds are used again where they are kept. --cache-to writes them to another place too: type=local,dest=DIR is a
    directory, type=registry,ref=NAME a repository, type=inline the image itself, which then has to be pushed. mode=max writes those of all
    stages. --cache-from reads such a place. Whoever may write there chooses what the image has in it.

    Example: mydocker build -t web:1 --build-arg VERSION=3 .
    Example: mydocker build -t web:1 --cache-from type=local,src=/ci/cache --cache-to type=local,dest=/ci/cache,mode=max .
    """
    buildinput.refuse(flags, bool(session.explain or session.dry_run))
    outputs = Outputs(flags["outputs"], flags["tags"], bool(flags["push"]))  # type: ignore[arg-type]
    quiet = bool(flags["quiet"]) or flags["progress"] == "quiet"
    with _Scratch(session) as scratch, _Stdout(outputs.takes_stdout) as stdout:
        text, name, directory, place = buildinput.sources(context, path, scratch)
        how = _building(session, BuildContext(directory, place, scratch), quiet, bool(flags["pull"]))
        how.name = name
        buildinput.set_flags(how, flags)
        targets = _caches(how, flags, outputs)
        divided = stages.divide(dockerfile.parse(text, name), how.arguments, how.predefined, name)
        buildinput.check_stages(how, divided)

        def make() -> Built | None:
            return builder.build(how, divided, target, outputs.references, outputs.makes_image)

        built = _shown(how, text, make) if _on_terminal(session, flags, quiet) else make()
        if not built:
            return
        outputs.write(session, how, built, stdout, quiet)
        if targets:
            from mydocker.engine.build.exporting import export

            export(how, built, targets)
    _tell(session, flags, built, outputs, quiet)


def _caches(how: orders.Building, flags: Flags, outputs: Outputs) -> list[CacheTo]:
    """Give a build what its flags say of caches elsewhere. Return those that are written. Raises BadInput."""
    if not flags["cache_from"] and not flags["cache_to"]:
        return []
    from mydocker.engine.build import wantedcaches  # imported here and below, because most builds have no such cache

    how.wanted_caches, targets = wantedcaches.parsed(flags["cache_from"], flags["cache_to"])
    outputs.check_caches(targets)
    how.is_inline = any(each.kind == "inline" for each in targets)
    return targets


def _on_terminal(session: Session, flags: Flags, quiet: bool) -> bool:
    """Say whether the build is shown on a terminal, which is standard error. A script that reads standard output gets lines there."""
    if flags["progress"] == "tty":
        return not quiet
    if session.explain or session.dry_run or quiet or flags["progress"] != "auto" or not (sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    from mydocker.cli.redrawn import is_terminal  # imported here and below, because in a pipe nobody needs it

    return is_terminal(sys.stderr)


def _shown(how: orders.Building, text: str, make: Callable[[], Built | None]) -> Built | None:
    from mydocker.cli.buildscreen import on_terminal

    with on_terminal(how, text):
        return make()


def _tell(session: Session, flags: Flags, built: Built, outputs: Outputs, quiet: bool) -> None:
    """Print what was built, and write the files that tell of it."""
    if flags["iidfile"] and built.id:
        write_text(flags["iidfile"], f"sha256:{built.id}")
    if flags["metadata_file"]:
        write_metadata(session, flags["metadata_file"], built, outputs.references)
    if outputs.takes_stdout or not built.id:
        return
    lines = [f"Successfully built {built.id[:12]}", *(f"Successfully tagged {reference}" for reference in outputs.references)]
    echo(f"sha256:{built.id}" if quiet else "\n".join(lines))


class _Stdout:
    """Standard output, inside a `with` block. If it is taken for what is built, all else goes to standard error meanwhile."""

    def __init__(self, is_taken: bool) -> None:
        self.is_taken = is_taken
        self.stream: BinaryIO = sys.stdout.buffer

    def __enter__(self) -> BinaryIO:
        if self.is_taken:
            sys.stdout.flush()
            self.stream = open(os.dup(1), "wb")
            os.dup2(2, 1)
        return self.stream

    def __exit__(self, *exception: object) -> None:
        if self.is_taken:
            with self.stream:
                os.dup2(self.stream.fileno(), 1)


class _Scratch:
    """A directory for the files that the build has to write. `with` makes and removes it.

    If the build is killed, `system check` finds the directory.
    """

    def __init__(self, session: Session) -> None:
        self.path = store.temporary(session.paths.root + "/build")
        if session.dry_run:
            from tempfile import mkdtemp  # imported here and below, because it takes a sixth of a build that is all cached

            self.path = mkdtemp()

    def __enter__(self) -> str:
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        return self.path

    def __exit__(self, *exception: object) -> None:
        store.remove_tree(self.path)


def _building(session: Session, context: BuildContext, quiet: bool, always: bool) -> orders.Building:
    def tell(line: str) -> None:
        if not quiet and not session.dry_run:
            echo(harmless(line))
            sys.stdout.flush()

    def pull(name: str, platform: str) -> None:
        if always or not platforms.is_here(session.paths, name, platform):
            from mydocker.cli.registry import pull_one  # imported here, because urllib3 takes a third of a build that is all cached

            pull_one(session, parse(name).with_default_tag(), platform, None, sys.stdout, quiet)

    def options(asked: orders.Asked) -> Options:
        return _options([*how.limits, *_words(asked)])

    how = orders.Building(session.paths, context, runner(session), LineByLine(tell), options, _starter(session, quiet), pull)
    # Steps are told one after the other.
    how.show_side = None if session.explain or session.dry_run else _pass_on
    return how


def _pass_on(descriptor: int, lines: bytes) -> None:
    while lines:
        lines = lines[os.write(descriptor, lines) :]


def _words(asked: orders.Asked) -> list[str]:
    """Return the words after `mydocker create` for a container of a build."""
    words = ["--no-healthcheck", "--network", asked.network, *(["--entrypoint", asked.entrypoint] if asked.entrypoint else [])]
    words += ["-w", asked.directory] if asked.directory else []
    words += ["-u", asked.user] if asked.user else []
    words += ["--privileged"] if asked.privileged else []
    return [*words, *(word for variable in asked.environment for word in ("-e", variable)), asked.image, *asked.command]


def _options(words: list[str]) -> Options:
    """Return the options that `mydocker create WORDS` would give a container."""
    from mydocker.cli.run import create as create_verb  # imported here and below, because what is cached needs no container
    from mydocker.engine.request.flags import parse as parse_options

    flags = {name: value for name, value in values(create_verb, words).items() if name not in ("explain", "dry_run")}
    return parse_options({**flags, "detach_keys": None})


def _starter(session: Session, quiet: bool) -> Callable[[Record, int, list[str]], int]:
    def start(record: Record, lock: int, secrets: list[str]) -> int:
        from mydocker.engine.container.start import start as start_container

        return start_container(session.paths, record, lock, OUTPUT + ERRORS, b"", False, telling(session), secrets=secrets).run()

    def start_quietly(record: Record, lock: int, secrets: list[str]) -> int:
        from tempfile import TemporaryFile

        with TemporaryFile() as output:
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
