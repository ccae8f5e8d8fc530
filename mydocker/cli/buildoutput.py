"""What becomes of a build: --output, --push, --iidfile and --metadata-file."""

from __future__ import annotations

import os
import sys

from mydocker import leanjson
from mydocker.cli.base import Session
from mydocker.engine.catalog import images
from mydocker.engine.transfer.outfile import write_whole
from mydocker.errors import BadInput
from mydocker.images.reference import parse_name
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.result import Built
    from mydocker.engine.build.wantedcaches import CacheTo
    from mydocker.images.reference import Reference

_KINDS = {
    "image": {"name", "push"},
    "registry": {"name"},
    "docker": {"dest", "name"},
    "oci": {"dest", "name"},
    "tar": {"dest"},
    "local": {"dest"},
}


class Output(Value):
    """One --output."""

    kind: str  # image, docker, oci, tar or local
    destination: str = ""  # a path, '-' for standard output, '' for the images here
    names: tuple[str, ...] = ()
    is_pushed: bool = False


class Outputs:
    """All that is to become of a build. Raises BadInput.

    references: the names that the image gets
    """

    def __init__(self, texts: Iterable[str], tags: Iterable[str], push: bool) -> None:
        self.all = [_output(text) for text in texts]
        names = [*tags, *(name for output in self.all for name in output.names)]
        self.references: list[Reference] = [parse_name(name) for name in names]
        self.is_pushed = push or any(output.is_pushed for output in self.all)
        if self.is_pushed and not self.references:
            raise BadInput("a push needs a name", "mydocker build -t NAME --push")
        streams = [output for output in self.all if output.destination == "-"]
        if len(streams) > 1:
            raise BadInput("only one --output can go to standard output")
        if streams and sys.stdout.isatty():
            raise BadInput("cowardly refusing to write to a terminal", "use dest=FILE, or redirect")
        self.takes_stdout = bool(streams)

    @property
    def makes_image(self) -> bool:
        """Whether the build makes an image, and not only files."""
        return bool(self.references) or not self.all or any(output.kind not in ("tar", "local") for output in self.all)

    def check_caches(self, wanted: Sequence[CacheTo]) -> None:
        """Raise BadInput for a cache that has no place in what is built."""
        if not self.makes_image and any(each.kind == "inline" for each in wanted):
            raise BadInput("--cache-to type=inline: the keys are kept in the image, and none is made", "use type=local,dest=DIR")

    def write(self, session: Session, how: Building, built: Built, stdout: BinaryIO, quiet: bool) -> None:
        """Write everything."""
        for output in self.all:
            if output.kind == "local":
                _write_tree(how, built, output.destination)
            elif output.destination == "-":
                _fill(session, how, built, output, stdout)
            elif output.destination:
                write_whole(output.destination, lambda stream, output=output: _fill(session, how, built, output, stream))  # type: ignore[misc]
        for reference in self.references if self.is_pushed else ():
            from mydocker.cli.registry import push_one  # imported here, as pull_one in build.py

            push_one(session, reference.with_default_tag(), quiet or self.takes_stdout)


def _output(text: str) -> Output:
    """Return what an --output says. As in docker, a lone word is a directory, and - is a tar on standard output."""
    if "=" not in text:
        return Output(kind="tar", destination="-") if text == "-" else Output(kind="local", destination=text)
    given: dict[str, str] = {}
    names: list[str] = []
    for word in text.split(","):
        key, equals, value = word.partition("=")
        if not equals and names:
            names.append(word)  # name=a,b
        else:
            given[key] = value
            names += [value] if key == "name" else []
    kind = given.pop("type", "")
    if kind not in _KINDS:
        raise BadInput(f"invalid output {text!r}: type is one of {', '.join(_KINDS)}, not {kind!r}")
    for key in given:
        if key not in _KINDS[kind]:
            raise BadInput(f"invalid output {text!r}: {key!r} does not go with type {kind}: expected {', '.join(sorted(_KINDS[kind]))}")
    destination = given.get("dest", "-" if kind in ("tar", "oci") else "")
    if kind == "local" and destination in ("", "-"):
        raise BadInput(f"invalid output {text!r}: expected dest=DIRECTORY")
    if given.get("push", "true") not in ("true", "false"):
        raise BadInput(f"invalid output {text!r}: push is true or false, not {given['push']!r}")
    pushed = kind == "registry" or given.get("push") == "true"
    return Output(kind=kind, destination=destination, names=tuple(names), is_pushed=pushed)


def _fill(session: Session, how: Building, built: Built, output: Output, stream: BinaryIO) -> None:
    from mydocker.engine.container import copy  # imported here and below, because most builds only make an image
    from mydocker.engine.transfer import archives

    if output.kind == "tar":
        with how.opened(built.progress) as place:
            copy.to_stream(place.container(), "/.", False, stream)
    else:
        chosen = archives.selected(session.paths, [str(name) for name in built.names] or [f"sha256:{built.id}"])
        how.run.apply(archives.WriteArchive(session.paths, chosen, output.destination, lambda: stream))


def _write_tree(how: Building, built: Built, directory: str) -> None:
    """Write the files of an image into a directory. They belong to the caller."""
    from mydocker.engine.container import copy
    from mydocker.storage.unpack import unpack

    def own(member: tarfile.TarInfo) -> None:
        member.uid, member.gid = os.geteuid(), os.getegid()

    os.makedirs(directory, exist_ok=True)
    with open(how.context.new(), "w+b") as stream:
        with how.opened(built.progress) as place:
            copy.to_stream(place.container(), "/.", False, stream)
        stream.seek(0)
        unpack(stream, directory, None, None, own)


def write_metadata(session: Session, path: str, built: Built, references: Sequence[Reference]) -> None:
    """Write what --metadata-file tells: the digests and the names of the image, under BuildKit's keys."""
    told: dict[str, object] = {}
    if built.id:
        entry = images.find(session.paths, f"sha256:{built.id}").entry
        descriptor = {key: entry[key] for key in ("mediaType", "digest", "size")}
        told = {"containerimage.config.digest": f"sha256:{built.id}", "containerimage.descriptor": descriptor}
        told["containerimage.digest"] = entry["digest"]
    if references:
        told["image.name"] = ",".join(reference.with_default_tag().canonical for reference in references)
    write_text(path, leanjson.dumps(told))


def write_text(path: str, text: str) -> None:
    """Write a file that a flag names. Raises BadInput."""
    try:
        with open(path, "w") as file:
            file.write(text)
    except OSError as error:
        raise BadInput(f"cannot write {path!r}: {error.strerror}") from error
