"""The hard links of aufs: what keeps them whole when a root file system is unmounted.

The first write to a file copies it from its layer up into the writable branch. The file's other names there would still be those of the
old file. So aufs remembers in memory that they are the new one's: they are pseudo-links. On disk it keeps the new file, once more, as

    rw/.wh..wh.plnk/INO.BRANCH_INO    INO: the file's inode number in the mount, BRANCH_INO: in the branch

The memory ends with the mount. So before it is unmounted, each name is looked up in the mount and a byte is read by it, which makes the
name real in the branch; to open it does not. A mount that ended without that, because the machine crashed, has taken the memory with it.
Then the layers tell the other names of what was copied up. They cannot tell from which file a new name was linked: such a name keeps its
own contents, as after a copy.
"""

from __future__ import annotations

import os
import stat

from mydocker.kernel.files import GONE, Allowing, Held
from mydocker.kernel.trees import copy_attributes
from mydocker.steps.base import Step, quote
from mydocker.storage.whiteouts import AUFS, first_to_tell

_PLINKS = ".wh..wh.plnk"


class MakeLinksReal(Step):
    """Make each pseudo-link real, through the mount. What no name shows is removed if the mount is about to end."""

    root: str  # where the mount is seen
    writable: str  # its writable branch
    ends: bool  # whether nobody else uses the mount any more

    def apply(self) -> None:
        kept = _kept(self.writable)
        numbers = {int(name.partition(".")[0]) for name in kept}
        if numbers:
            _read_each(self.root, numbers)
        for name in kept if self.ends else ():
            os.unlink(f"{self.writable}/{_PLINKS}/{name}")

    def describe(self) -> str:
        return f"make the hard links real that {quote(f'{self.writable}/{_PLINKS}')} has: read their names in {quote(self.root)}"

    def shell(self) -> str:
        plinks, root = quote(f"{self.writable}/{_PLINKS}"), quote(self.root)
        each = f'number=${{file##*/}}; find {root} -xdev -type f -inum "${{number%.*}}" -exec head -qc 1 {{}} + >/dev/null'
        return f"for file in {plinks}/*.*; do {each}; done{f'; rm -f {plinks}/*.*' if self.ends else ''}"


class RestoreLinks(Step):
    """Link the names that a file has in its layer to its copy in the writable branch, after a crash. Nothing is mounted meanwhile."""

    writable: str  # the branch
    layers: list[str]  # the directories of the layers below it, topmost first

    def apply(self) -> None:
        kept = _kept(self.writable)
        copied = {int(name.partition(".")[2]) for name in kept}
        for names in _names(self.writable, copied).values() if copied else ():
            self._restore(names)
        for name in kept:
            os.unlink(f"{self.writable}/{_PLINKS}/{name}")

    def _restore(self, names: list[str]) -> None:
        """Restore one file's links. names: the paths of its copy in the branch."""
        origins = set()
        for path in names:
            if layer := first_to_tell(AUFS, path, self.layers):
                origins.add((layer, os.lstat(layer + path).st_ino))
        if len(origins) != 1:
            return  # It is a copy of one of them, or of none, and nothing says which.
        layer, number = origins.pop()
        for path in _names(layer, {number}).get(number, []):
            if path not in names and first_to_tell(AUFS, path, [self.writable, *self.layers]) == layer:
                self._make_parent(os.path.dirname(path))
                os.link(self.writable + names[0], self.writable + path, follow_symlinks=False)

    def _make_parent(self, path: str) -> None:
        """Make a directory in the branch with the attributes that it has below, unless it is there."""
        if path in ("", "/") or os.path.lexists(self.writable + path):
            return
        self._make_parent(os.path.dirname(path))
        below = first_to_tell(AUFS, path, self.layers) + path
        os.mkdir(self.writable + path)
        copy_attributes(below, self.writable + path, os.lstat(below))

    def describe(self) -> str:
        return f"link to their copies what the layers link to the files of {quote(f'{self.writable}/{_PLINKS}')}, and empty that"


def _kept(writable: str) -> list[str]:
    """Return the names in a branch's directory of pseudo-links."""
    with Allowing(*GONE):
        return [name for name in os.listdir(f"{writable}/{_PLINKS}") if name.replace(".", "", 1).isdigit()]
    return []


def _read_each(root: str, numbers: set[int]) -> None:
    """Read the files with some inode numbers. What the container removes meanwhile needs no link."""
    device = os.stat(root).st_dev
    for _, directories, names, descriptor in os.fwalk(root):
        if os.fstat(descriptor).st_dev != device:
            directories.clear()
            continue
        for name in names:
            with Allowing(*GONE):
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if status.st_ino in numbers:
                    _touch(name, descriptor, status)


def _touch(name: str, directory: int, status: os.stat_result) -> None:
    """Have aufs make a name real, without a change of the file."""
    if stat.S_ISREG(status.st_mode):
        with Held(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)) as descriptor:
            os.read(descriptor, 1)
    else:
        os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=directory, follow_symlinks=False)


def _names(directory: str, numbers: set[int]) -> dict[int, list[str]]:
    """Return {inode number: the paths below a branch that have it, with a slash first}, without aufs's own."""
    found: dict[int, list[str]] = {}
    for where, directories, names in os.walk(directory):
        directories[:] = [name for name in directories if not AUFS.is_own(name)]
        for name in names:
            number = os.lstat(f"{where}/{name}").st_ino
            if number in numbers and not name.startswith(".wh."):
                found.setdefault(number, []).append(f"{where[len(directory) :]}/{name}")
    return found
