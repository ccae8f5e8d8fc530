"""What COPY, ADD and RUN --mount choose among the files of a source, all inside of one root."""

from __future__ import annotations

import os
from posixpath import dirname

from mydocker.engine.build.places import is_directory, matches, resolved
from mydocker.images.dockerignore import Ignore, excluded_paths
from mydocker.kernel import inroot
from mydocker.kernel.files import openat2
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Wanted(Value):
    """Which files of a source are copied."""

    patterns: Sequence[str]  # of paths from the source's root
    excludes: Sequence[str] = ()  # patterns of what is left out, as .dockerignore has them
    parents: bool = False  # whether files keep the directories above them, down from /./ if their path has that

    def found(self, root: int, excluded: set[str]) -> list[Found]:
        """Return what there is of it. root: a descriptor of the source's root; excluded: the paths that are left out anyway."""
        listed = []
        for pattern in self.patterns:
            pivot, _, rest = pattern.rpartition("/./") if self.parents else ("", "", pattern)
            base = resolved(root, pivot or "/").rstrip("/") if self.parents else ""
            for asked in matches(root, f"{base}/{rest}", excluded, self.parents):
                path = resolved(root, asked)
                own = path if is_directory(root, path) else dirname(path)
                found = Found(asked=asked, path=path, base=base if self.parents else own.rstrip("/"), excluded=excluded)
                listed += found.without(root, self.excludes) if self.excludes else [found]
        return listed


class Found(Value):
    """A file or a directory that is copied."""

    asked: str  # its path in the source, as it was asked for
    path: str  # its path without symlinks
    base: str  # the directory from which excludes and kept parents count; '' is the root
    excluded: set[str]  # paths in the source that are left out

    def without(self, root: int, excludes: Sequence[str]) -> list[Found]:
        """Return it without what the patterns leave out, or nothing if they leave out all of it."""
        ignore = Ignore(excludes)
        inside = self.path[len(self.base) :].strip("/")
        if inside and ignore.excludes(inside):
            return []
        if not is_directory(root, self.path):
            return [self]
        descriptor = openat2(self.path.lstrip("/") or ".", os.O_PATH | os.O_DIRECTORY, dirfd=root)
        try:
            below = excluded_paths(inroot.by_descriptor(descriptor), ignore, inside)
        finally:
            os.close(descriptor)
        return [Found(asked=self.asked, path=self.path, base=self.base, excluded=self.excluded | {self.base + path for path in below})]
