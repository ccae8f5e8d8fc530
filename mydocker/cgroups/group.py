"""One cgroup: a container's directory in one hierarchy. It may not exist yet."""

from __future__ import annotations

import errno
import os
from time import monotonic, sleep

from mydocker.kernel.files import Allowing, content
from mydocker.steps.files import WriteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.cgroups.layout import Hierarchy

REMOVE_SECONDS = 2.0


class Group:
    """One cgroup of a hierarchy. `path` is where it is below the hierarchy's mount point, such as '/mydocker/ID'."""

    __slots__ = ("hierarchy", "path")

    def __init__(self, hierarchy: Hierarchy, path: str) -> None:
        self.hierarchy = hierarchy
        self.path = path

    @property
    def directory(self) -> str:
        return self.hierarchy.mount + self.path

    def exists(self) -> bool:
        return os.path.isdir(self.directory)

    def read(self, file: str) -> str:
        """Return a file's content without the last newline, or '' if the file or the cgroup does not exist."""
        return read(f"{self.directory}/{file}")

    def table(self, file: str) -> dict[str, int]:
        """Return the numbers of a flat-keyed file, such as memory.stat, by key. There are none if the file does not exist."""
        pairs = (line.split() for line in self.read(file).splitlines())
        return {key: int(value) for key, value in pairs}

    def write(self, file: str, value: str | int) -> WriteFile:
        """Return the step that writes a value to one of this cgroup's files."""
        return WriteFile(f"{self.directory}/{file}", str(value))

    def chain(self) -> list[str]:
        """Return the directories from the hierarchy's mount point down to this cgroup."""
        names = [name for name in self.path.split("/") if name]
        return [self.hierarchy.mount + "".join(f"/{name}" for name in names[:depth]) for depth in range(len(names) + 1)]

    def offers(self, file: str, controller: str) -> bool:
        """Say whether this cgroup has a file, or may have it once it is made."""
        return self.witness(file, controller) is not False

    def witness(self, file: str, controller: str) -> bool | None:
        """Say whether a file is, or will be, in this cgroup. Return None if nothing tells.

        controller: the controller that the file belongs to.

        A cgroup that does not exist yet is judged by its nearest ancestor that has the controller. The topmost cgroup lacks
        the files of limits, so its other children are looked at in its place.
        """
        if self.exists():
            return os.path.exists(f"{self.directory}/{file}")
        for directory in reversed(self.chain()[1:-1]):
            if has_controller(directory, controller, self.hierarchy.version):
                return os.path.exists(f"{directory}/{file}")
        return os.path.exists(f"{self.hierarchy.mount}/{file}") or self._child_witness(file, controller)

    def _child_witness(self, file: str, controller: str) -> bool | None:
        with os.scandir(self.hierarchy.mount) as children:
            for child in children:
                if child.is_dir() and has_controller(child.path, controller, self.hierarchy.version):
                    return os.path.exists(f"{child.path}/{file}")
        return None

    def pids(self) -> set[int]:
        """Return the processes in this cgroup and in all below it. Those of other pid namespaces (shown as 0) are left out."""
        return {int(line) for directory in walk_up(self.directory) for line in read(f"{directory}/cgroup.procs").split()} - {0}

    def remove_empty(self) -> bool:
        """Remove this cgroup if nothing is in it. Say whether it is gone."""
        return _removed(self.directory, errno.EBUSY, errno.ENOTEMPTY)

    def remove(self, deadline: float) -> None:
        """Remove this cgroup and all below it. Raises OSError.

        deadline: until when to try again after EBUSY, as a process that is just ending still holds its cgroup (time.monotonic()).
        """
        for directory in walk_up(self.directory):
            remove_directory(directory, deadline)


def read(path: str) -> str:
    """Return a kernel file's content without the last newline. It is '' if the file does not exist, or if its cgroup has gone (ENODEV)."""
    return content(path, errno.ENOENT, errno.ENODEV).rstrip("\n")


def has_controller(directory: str, controller: str, version: int) -> bool:
    """Say whether a cgroup has a controller's files. The controller 'cgroup' stands for the core, whose files every cgroup has."""
    if version == 1 or controller == "cgroup":
        return os.path.isdir(directory)
    return controller in read(f"{directory}/cgroup.controllers").split()


def walk_up(directory: str) -> Iterator[str]:
    """Yield a directory and all directories below it, children first. Yield nothing if it does not exist."""
    for path, _, _ in os.walk(directory, topdown=False):
        yield path


def remove_directory(directory: str, deadline: float) -> None:
    """Remove a cgroup that nothing is in. Try again after EBUSY until `deadline`. A cgroup that is gone is not an error."""
    wait_until(lambda: _removed(directory, *([errno.EBUSY] if monotonic() < deadline else [])), deadline)


def _removed(directory: str, *reasons: int) -> bool:
    """Remove a cgroup, and say whether it is gone. reasons: the errno values for which it may stay"""
    with Allowing(*reasons):
        with Allowing(errno.ENOENT):
            os.rmdir(directory)
        return True
    return False


def wait_until(condition: Callable[[], bool], deadline: float, longest: float = 0.05) -> bool:
    """Ask again and again whether a condition holds, and return True when it does, or False after the deadline.

    deadline: a time of time.monotonic().
    longest: the longest delay between two questions, in seconds. It begins with half a millisecond and doubles each time.
    """
    delay = 0.0005
    while not condition():
        if monotonic() >= deadline:
            return False
        sleep(delay)
        delay = min(2 * delay, longest)
    return True
