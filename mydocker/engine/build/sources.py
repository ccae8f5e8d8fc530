"""What a build takes files from: a directory of the host, or the files of another image or stage."""

from __future__ import annotations

from mydocker.kernel import inroot
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.build.workplace import Workplace


class Context(Value):
    """A directory of the host as a source of files."""

    directory: str
    excluded: set[str]  # paths from the directory, each with a slash first, that .dockerignore leaves out
    unseen: frozenset[str] = frozenset()  # paths that are copied, and do not count for the build cache

    def enter(self) -> int:
        """Return a descriptor of the directory, which is the root of all paths."""
        return inroot.open_root(self.directory)


class Source(Value):
    """Another image, or an earlier stage, as a source of files."""

    key: str  # stands for its content
    open: Callable[[], Workplace]  # makes a container from it
