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
    """The wait, taken by a child of this process; whoever starts it reaps it by end()."""

    __slots__ = ("_pid",)

    def __init__(self, layout: Layout) -> None:
        self._pid = 0
        if not layout.hierarchies or os.geteuid() != 0:
            return  # an ordinary user moves processes rarely, and not from where it is
        self._pid = os.fork()
        if self._pid == 0:
            try:
                warm_up(layout)
            finally:
                os._exit(0)

    def end(self) -> None:
        """Wait for the child, which takes no longer than the first write of its parent would have."""
        if self._pid:
            os.waitpid(self._pid, 0)
            self._pid = 0
