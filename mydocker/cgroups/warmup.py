"""Taking the wait of the first write to cgroup.procs while something else goes on.

The first write after a pause waits about 10 ms for an RCU grace period (cgroup_threadgroup_rwsem, kernel/cgroup/cgroup.c). Those
right after it do not. So a process is moved to where it is already. That changes nothing, and it does not matter if it fails.
"""

from __future__ import annotations

import os

from mydocker.steps.files import WriteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout


def warm_up(layout: Layout) -> None:
    """Take the wait in this process, by a move to where it is already."""
    for hierarchy in layout.hierarchies[:1]:
        try:
            WriteFile(f"{hierarchy.mount}{hierarchy.own.rstrip('/')}/cgroup.procs", "0").apply()
        except OSError:
            return


class WarmUp:
    """A `with` block during which a child of this process takes the wait.

    wanted: whether any process will be moved. If not, nothing is done.

    The end of the block waits for the child. That takes no longer than this process's own first write would have taken.
    """

    __slots__ = ("_layout", "_wanted", "_pid")

    def __init__(self, layout: Layout, wanted: bool = True) -> None:
        self._layout = layout
        # An ordinary user rarely moves processes, and often may not write to the cgroup that it is in.
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
