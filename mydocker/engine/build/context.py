"""What COPY and ADD take files from: the build's context, here-documents, addresses, other stages and images."""

from __future__ import annotations

import os
import stat

from mydocker.engine.build import chmod
from mydocker.engine.build.addresses import check_checksum, is_address, is_repository
from mydocker.engine.build.places import place_of
from mydocker.engine.build.sources import Context
from mydocker.engine.build.wanted import Wanted
from mydocker.errors import BadInput
from mydocker.images import change
from mydocker.images.dockerignore import excluded_paths, read
from mydocker.images.documents import sha256
from mydocker.images.words import expand, expand_text, split
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mydocker.engine.build.sources import Source
    from mydocker.engine.container.sides import Container
    from mydocker.images.dockerfile import Heredoc, Instruction

_CHUNK = 1 << 18
# The flags of COPY and ADD in whose values variables are replaced.
_EXPANDED = ("chown", "chmod", "checksum")


class Copy(Value):
    """A COPY or an ADD, with its variables replaced."""

    adds: bool  # whether it is an ADD
    sources: Sequence[str]
    destination: str
    heredocs: Sequence[Heredoc] = ()
    chown: str = ""
    chmod: str = ""
    checksum: str = ""  # 'sha256:HEX' of what an address has
    excludes: Sequence[str] = ()
    parents: bool = False
    keeps_git: bool = False  # whether .git of a repository is copied too


def read_copy(instruction: Instruction, variables: Mapping[str, str]) -> Copy:
    """Return what a COPY or ADD says, with its variables replaced. Raises BadInput."""
    listed = change.json_list(instruction.text)
    words = [expand(word, variables) for word in (split(instruction.text) if listed is None else listed)]
    flags = {key: expand(instruction.flags[key], variables) for key in _EXPANDED if key in instruction.flags}
    if "checksum" in flags:
        check_checksum(flags["checksum"], words[:-1])
    return Copy(
        adds=instruction.name == "ADD",
        sources=words[:-1],
        destination=words[-1],
        heredocs=instruction.heredocs,
        excludes=[expand(text, variables) for text in instruction.lists.get("exclude", [])],
        parents="parents" in instruction.flags,
        keeps_git="keep-git-dir" in instruction.flags,
        **flags,
    )


class BuildContext:
    """The files that a build may copy.

    directory: the context, absolute, '' for none
    excluded: the paths that .dockerignore leaves out of it
    scratch: a directory for files that have to be made: here-documents and what is downloaded
    """

    def __init__(self, directory: str, dockerfile: str, scratch: str) -> None:
        self.directory = directory
        self.scratch = scratch
        self.excluded = excluded_paths(directory, read(directory, dockerfile)) if directory else set()
        self._made = 0

    def copying(self, order: Copy, source: Source | Context | None, variables: Mapping[str, str]) -> Copying:
        """Return what a COPY or ADD copies. Files from addresses are downloaded here. Raises BadInput, StepFailed, Damaged.

        source: what --from names, None for the context
        variables: replaced in its here-documents
        """
        named = {pattern.lstrip("<-").strip("'\"") for pattern in order.sources if pattern.startswith("<<")}
        made = [heredoc for heredoc in order.heredocs if heredoc.name in named]
        patterns = [pattern for pattern in order.sources if not pattern.startswith("<<")]
        addresses = [pattern for pattern in patterns if order.adds and is_address(pattern)]
        groups: list[tuple[Context | Source, Wanted]] = []
        if made:
            files = {doc.name: expand_text(doc.content, variables) if doc.expand else doc.content for doc in made}
            groups.append((Context(directory=self._with_files(files), excluded=set()), Wanted(patterns=sorted(files))))
        groups += [self._fetched(address, order) for address in addresses]
        patterns = [pattern for pattern in patterns if pattern not in addresses]
        if patterns:
            groups.append((source or self.own(), Wanted(patterns=patterns, excludes=order.excludes, parents=order.parents)))
        return Copying(
            groups=groups,
            destination=order.destination,
            chown=order.chown,
            chmod=chmod.parse(order.chmod),
            extracts=order.adds and not addresses,
        )

    def own(self) -> Context:
        """Return the build's context. Raises BadInput if there is none."""
        if not self.directory:
            raise BadInput("there is no context to copy from", "give a directory instead of -")
        return Context(directory=self.directory, excluded=self.excluded)

    def _fetched(self, address: str, order: Copy) -> tuple[Context, Wanted]:
        """Return the files of an address."""
        from mydocker.engine.build.fetching import Repository, download  # imported here, because few builds fetch

        directory = self._directory()
        if is_repository(address):
            path = Repository(address, directory, order.keeps_git).fetch()
            return Context(directory=path, excluded=set(), unseen=frozenset({"/.git"})), Wanted(patterns=["/"], excludes=order.excludes)
        name = download(address, directory, order.checksum)
        return Context(directory=directory, excluded=set()), Wanted(patterns=[name])

    def new(self) -> str:
        """Return the path of a file that does not exist yet."""
        return f"{self._directory()}/file"

    def script(self, content: str) -> str:
        """Write a here-document that is a program, and return its path."""
        path = self.new()
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o755)
        return path

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

    groups: list[tuple[Context | Source, Wanted]]  # copied one after the other
    destination: str  # a path in the container
    chown: str  # see copying.Owner
    chmod: Callable[[int, bool], int] | None
    extracts: bool  # whether tars are unpacked, as by ADD

    def digest(self) -> str:
        """Return a digest of the names, kinds, modes and contents of all files. Their times do not count."""
        return sha256("".join(digest(source, wanted) for source, wanted in self.groups).encode())

    def into(self, target: Container) -> None:
        """Copy everything into a container."""
        from mydocker.engine.build import copying  # imported here, because what is cached is not copied

        owner = copying.Owner(chown=self.chown, chmod=self.chmod)
        for source, wanted in self.groups:
            if not isinstance(source, Context):
                with source.open() as place:
                    copying.copy(place.container(), wanted, target, self.destination, owner)
                continue
            archives, others = self._sorted(source, wanted)
            for path in archives:
                with open(path, "rb") as file:
                    copying.extract(file, path, target, self.destination)
            if others.patterns:
                copying.copy(source, others, target, self.destination, owner)

    def _sorted(self, source: Context, wanted: Wanted) -> tuple[list[str], Wanted]:
        """Return the tars that ADD unpacks, and everything else. The tars are paths that this process can open."""
        from mydocker.engine.build.copying import is_archive  # as in into()

        if not self.extracts:
            return [], wanted
        root = source.enter()
        try:
            places = {found.asked: place_of(root, found.path) for found in wanted.found(root, source.excluded)}
        finally:
            os.close(root)
        archives = [path for path, place in places.items() if os.path.isfile(place) and is_archive(place)]
        if not archives:
            return [], wanted
        others = [path for path in places if path not in archives]
        return [places[path] for path in archives], Wanted(patterns=others, excludes=wanted.excludes, parents=wanted.parents)


def digest(source: Context | Source, wanted: Wanted) -> str:
    """Return a digest of what is wanted of a source: names, kinds, modes and contents, or what stands for them."""
    if not isinstance(source, Context):
        return sha256(repr((source.key, wanted)).encode())
    import hashlib  # imported here, because OpenSSL takes 4 ms, which pay for themselves only where there are files to hash

    total = hashlib.sha256(repr((wanted.excludes, wanted.parents)).encode())
    root = source.enter()
    try:
        for found in wanted.found(root, source.excluded):
            total.update(found.asked.encode(errors="surrogateescape"))
            _hash(found.excluded | source.unseen, place_of(root, found.path), found.path, total.update)
    finally:
        os.close(root)
    return total.hexdigest()


def _hash(excluded: set[str], place: str, path: str, update: Callable[[bytes], None]) -> None:
    """Hash a file or a tree.

    excluded: paths that do not count
    place: the path by which this process opens it
    path: its path in the context
    """
    status = os.lstat(place)
    link = os.readlink(place) if stat.S_ISLNK(status.st_mode) else ""
    update(repr((path, status.st_mode, link)).encode(errors="surrogateescape"))
    if stat.S_ISREG(status.st_mode):
        import hashlib  # as in digest()

        with open(place, "rb") as file:
            content = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                content.update(chunk)
        update(content.digest())
    elif stat.S_ISDIR(status.st_mode):
        for name in sorted(os.listdir(place)):
            if f"{path.rstrip('/')}/{name}" not in excluded:
                _hash(excluded, f"{place}/{name}", f"{path.rstrip('/')}/{name}", update)


def unpack_context(stream_name: str, path: str, directory: str, is_whole: bool = False) -> None:
    """Unpack a context that came as a tar into a new directory.

    stream_name: what errors call the tar
    is_whole: whether it is known that all of it has come. Then it need not have the end of a tar.
    """
    from mydocker.images.compression import Decompressed, Ended
    from mydocker.storage.unpack import unpack

    os.makedirs(directory)
    with open(path, "rb") as file:
        tar = Decompressed(file, stream_name).as_binary()
        unpack(Ended(tar).as_binary() if is_whole else tar, directory, None)
