"""The wait of the first cgroup.procs write, taken while something else goes on.

The first write after a while waits about 10 ms for an RCU grace period (cgroup_threadgroup_rwsem, kernel/cgroup/cgroup.c); those
right after it do not. Moving a process to where it is already changes nothing, and that it may fail neither.
"""

from __future__ import annotations

import os

from mydocker.steps.files import WriteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout


def warm_up(layout: Layout) -> None:
    """Take the wait in this process."""
    for hierarchy in layout.hierarchies[:1]:
        try:
            WriteFile(f"{hierarchy.mount}{hierarchy.own.rstrip('/')}/cgroup.procs", "0").apply()
        except OSError:
            return


class WarmUp:
    """The wait, taken by a child of this process while the with statement's block goes on.

    Its end waits for the child, which takes no longer than the first write of its parent would have. wanted: whether any
    process will be moved.
    """

    __slots__ = ("_layout", "_wanted", "_pid")

    def __init__(self, layout: Layout, wanted: bool = True) -> None:
        self._layout = layout
        # An ordinary user moves processes rarely, and not from where it is.
        self._wanted = wanted and bool(layout.hierarchies) and os.geteuid() == 0
        self._pid = 0

    def __enter__(self) -> None:
        if not self._wanted:
            return
        self._pid = os.fork()
        if self._pid == 0:
            try:
                warm_up(self._layout)
            finally:
                os._exit(0)

    def __exit__(self, *exception: object) -> None:
        if self._pid:
            os.waitpid(self._pid, 0)
