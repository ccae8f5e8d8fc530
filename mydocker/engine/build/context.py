"""What COPY and ADD take files from: the build's context, here-documents, addresses, other stages and images."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from posixpath import basename

from mydocker.engine.build import copying
from mydocker.engine.build.copying import Context, Owner
from mydocker.engine.build.places import matches, place_of
from mydocker.errors import BadInput, Damaged, StepFailed
from mydocker.images.dockerignore import excluded_paths, read
from mydocker.images.words import expand_text
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mydocker.engine.build.progress import Workplace
    from mydocker.engine.container.copy import Container
    from mydocker.images.dockerfile import Instruction

_CHUNK = 1 << 18


class Source(Value):
    """Another image, or an earlier stage, as a source of files."""

    key: str  # stands for its content
    open: Callable[[], Workplace]  # makes a container from it


class BuildContext:
    """The files that a build may copy.

    directory: the context, '' for none
    excluded: the paths that .dockerignore leaves out of it
    scratch: a directory for files that have to be made: here-documents and what is downloaded
    """

    def __init__(self, directory: str, dockerfile: str, scratch: str) -> None:
        self.directory = directory
        self.scratch = scratch
        self.excluded = excluded_paths(directory, read(directory, dockerfile)) if directory else set()
        self._made = 0

    def copying(self, instruction: Instruction, words: list[str], source: Source | None, variables: Mapping[str, str]) -> Copying:
        """Return what a COPY or ADD copies. Files from addresses are downloaded here. Raises BadInput, StepFailed, Damaged.

        words: its sources and its destination, with variables replaced
        source: what --from names, None for the context
        variables: replaced in its here-documents
        """
        *patterns, destination = words
        named = {pattern.lstrip("<-").strip("'\"") for pattern in patterns if pattern.startswith("<<")}
        made = [heredoc for heredoc in instruction.heredocs if heredoc.name in named]
        patterns = [pattern for pattern in patterns if not pattern.startswith("<<")]
        groups: list[tuple[Context | Source, list[str]]] = []
        addresses = [p for p in patterns if p.startswith(("http://", "https://"))] if instruction.name == "ADD" else []
        patterns = [pattern for pattern in patterns if pattern not in addresses]
        if made:
            files = {doc.name: expand_text(doc.content, variables) if doc.expand else doc.content for doc in made}
            groups.append((Context(directory=self._with_files(files), excluded=set()), sorted(files)))
        for address in addresses:
            directory = self._directory()
            groups.append(
                (Context(directory=directory, excluded=set()), [_download(address, directory, instruction.flags.get("checksum", ""))])
            )
        if patterns:
            if not source and not self.directory:
                raise BadInput("there is no context to copy from", "give a directory instead of -")
            groups.append((source or Context(directory=self.directory, excluded=self.excluded), patterns))
        owner = Owner(chown=instruction.flags.get("chown", ""), chmod=_mode(instruction.flags.get("chmod", "")))
        extracts = instruction.name == "ADD" and not addresses
        return Copying(groups=groups, destination=destination, owner=owner, extracts=extracts)

    def _directory(self) -> str:
        self._made += 1
        path = f"{self.scratch}/{self._made}"
        os.makedirs(path)
        return path

    def _with_files(self, files: dict[str, str]) -> str:
        directory = self._directory()
        for name, content in files.items():
            with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                file.write(content)
            os.chmod(f"{directory}/{name}", 0o644)
        return directory


class Copying(Value):
    """What one COPY or ADD copies."""

    groups: list[tuple[Context | Source, list[str]]]  # (source, patterns of its paths), copied one after the other
    destination: str  # a path in the container
    owner: Owner
    extracts: bool  # whether tars are unpacked, as by ADD

    def digest(self) -> str:
        """Return a digest of the names, kinds, modes and contents of all files. Their times do not count."""
        total = sha256()
        for source, patterns in self.groups:
            if isinstance(source, Context):
                for pattern in patterns:
                    _hash_matches(source, pattern, total.update)
            else:
                total.update(repr((source.key, patterns)).encode())
        return total.hexdigest()

    def into(self, target: Container) -> None:
        """Copy everything into a container."""
        for source, patterns in self.groups:
            if not isinstance(source, Context):
                with source.open() as place:
                    copying.copy(place.container(), patterns, target, self.destination, self.owner)
                continue
            archives, others = self._sorted(source, patterns)
            for path in archives:
                with open(path, "rb") as file:
                    copying.extract(file, path, target, self.destination)
            if others:
                copying.copy(source, others, target, self.destination, self.owner)

    def _sorted(self, source: Context, patterns: list[str]) -> tuple[list[str], list[str]]:
        """Return the tars that ADD unpacks and the paths of everything else.

        The tars are paths that this process can open. The other paths are those of the context.
        """
        if not self.extracts:
            return [], patterns
        root = source.enter()
        try:
            paths = [path for pattern in patterns for path in matches(root, pattern, source.excluded)]
            places = {path: place_of(root, path) for path in paths}
        finally:
            os.close(root)
        archives = [path for path in paths if os.path.isfile(places[path]) and copying.is_archive(places[path])]
        return [places[path] for path in archives], [path for path in paths if path not in archives]


def _mode(text: str) -> int | None:
    if not text:
        return None
    if not all(digit in "01234567" for digit in text) or int(text, 8) > 0o7777:
        raise BadInput(f"invalid chmod {text!r}: expected an octal number such as 755")
    return int(text, 8)


def _hash_matches(source: Context, pattern: str, update: Callable[[bytes], None]) -> None:
    root = source.enter()
    try:
        for path in matches(root, pattern, source.excluded):
            _hash(source, place_of(root, path), path, update)
    finally:
        os.close(root)


def _hash(source: Context, place: str, path: str, update: Callable[[bytes], None]) -> None:
    """Hash a file or a tree.

    place: the path by which this process opens it
    path: its path in the context
    """
    status = os.lstat(place)
    link = os.readlink(place) if stat.S_ISLNK(status.st_mode) else ""
    update(repr((path, status.st_mode, link)).encode(errors="surrogateescape"))
    if stat.S_ISREG(status.st_mode):
        with open(place, "rb") as file:
            content = sha256()
            while chunk := file.read(_CHUNK):
                content.update(chunk)
        update(content.digest())
    elif stat.S_ISDIR(status.st_mode):
        for name in sorted(os.listdir(place)):
            if f"{path.rstrip('/')}/{name}" not in source.excluded:
                _hash(source, f"{place}/{name}", f"{path.rstrip('/')}/{name}", update)


def _download(address: str, directory: str, checksum: str) -> str:
    """Download an address to a file with the mode 600, as docker's ADD does. Return the file's name.

    checksum: 'sha256:HEX', '' for no check
    """
    from urllib3.exceptions import HTTPError

    from mydocker.images.transport import Transport

    name = basename(address.partition("?")[0])
    if not name:
        raise BadInput(f"cannot determine a file name from {address!r}")
    response = Transport([], True).request("GET", address, {}, stream=True)
    if response.status != 200:
        raise StepFailed(f"{address}: the server answers {response.status}")
    content = sha256()
    with open(f"{directory}/{name}", "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        try:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                content.update(chunk)
        except HTTPError as error:
            raise StepFailed(f"{address}: the connection ended after {file.tell()} bytes: {error}") from error
    response.close()
    if checksum and checksum != f"sha256:{content.hexdigest()}":
        raise Damaged(f"{address}: expected {checksum}, and its content has sha256:{content.hexdigest()}")
    return name


def unpack_context(stream_name: str, path: str, directory: str) -> None:
    """Unpack a context that came as a tar into a new directory. stream_name: what errors call the tar."""
    from mydocker.images.compression import Decompressed
    from mydocker.storage.unpack import unpack

    os.makedirs(directory)
    with open(path, "rb") as file:
        unpack(Decompressed(file, stream_name).as_binary(), directory, None)
