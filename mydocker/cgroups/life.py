"""Freezing and killing all processes of a container.

Sources: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst (cgroup.freeze, cgroup.kill).
"""

from __future__ import annotations

import errno
import os
from time import monotonic

from mydocker.cgroups.group import wait_until
from mydocker.errors import Conflict, Unsupported
from mydocker.kernel.files import Allowing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.cgroups.group import Group

SIGKILL = 9  # signal(7); the signal module imports enum
FREEZE_SECONDS = 10.0
KILL_SECONDS = 10.0


def freeze(freezer: Group | None, unified: Group | None, frozen: bool) -> None:
    """Freeze or thaw all processes of a container, and wait until it is done. Raises Unsupported, or Conflict if they would not.

    freezer: the container's cgroup in version 1's freezer, or None. It is used if it is there.
    unified: its cgroup in version 2, or None. There cgroup.freeze is used (Linux 5.2).
    """
    deadline = monotonic() + FREEZE_SECONDS
    group, change = (freezer, freeze_v1) if freezer else (unified, freeze_v2)
    if group is None or not (freezer or group.offers("cgroup.freeze", "cgroup")):
        raise Unsupported("freeze: neither a cgroup controller freezer nor a file cgroup.freeze on this host")
    if not change(group, frozen, deadline):
        raise Conflict(f"cgroup {group.path}: processes would not {'freeze' if frozen else 'thaw'}")


def is_frozen(freezer: Group | None, unified: Group | None) -> bool:
    """Say whether the processes are frozen, or being frozen. The arguments are those of freeze()."""
    if freezer:
        return freezer.read("freezer.state") in ("FROZEN", "FREEZING")
    return unified is not None and unified.read("cgroup.freeze") == "1"


def freeze_v1(group: Group, frozen: bool, deadline: float) -> bool:
    """Write freezer.state until it is what it should be. Say whether it is. Processes that cannot all be frozen are let go again."""
    state = "FROZEN" if frozen else "THAWED"

    def reached() -> bool:
        # Each write makes the kernel look again for processes that were forked or vforked meanwhile.
        group.write("freezer.state", state).apply()
        return group.read("freezer.state") == state

    done = wait_until(reached, deadline)
    if frozen and not done:
        group.write("freezer.state", "THAWED").apply()
    return done


def freeze_v2(group: Group, frozen: bool, deadline: float) -> bool:
    """Write cgroup.freeze and wait until cgroup.events agrees. Say whether it does. What cannot be frozen is let go again."""
    group.write("cgroup.freeze", int(frozen)).apply()
    done = wait_until(lambda: group.table("cgroup.events").get("frozen") == int(frozen), deadline)
    if frozen and not done:
        group.write("cgroup.freeze", 0).apply()
    return done


def kill(path: str, pids: Callable[[], list[int]], freezer: Group | None, unified: Group | None) -> None:
    """Kill all processes of a container, until none is left. Raises Conflict if some do not end.

    path: the cgroup's path, for the error.
    pids: returns the processes that are in the container's cgroups now.
    freezer, unified: as freeze() takes them.

    They are killed by cgroup.kill (Linux 5.14), and what that does not reach is killed one by one.
    """

    def empty() -> bool:
        if unified and unified.offers("cgroup.kill", "cgroup"):
            write_if_there(unified, "cgroup.kill", 1)
        kill_each(pids, freezer)
        return not pids()

    if not wait_until(empty, monotonic() + KILL_SECONDS):
        left = ", ".join(map(str, pids()))
        raise Conflict(f"cgroup {path}: processes {left} do not end after SIGKILL")


def kill_each(pids: Callable[[], list[int]], freezer: Group | None) -> None:
    """Send SIGKILL to each process. Where version 1 has a freezer, they are frozen meanwhile, so that none can fork out of reach."""
    if not pids():
        return
    if freezer:
        write_if_there(freezer, "freezer.state", "FROZEN")
    for pid in pids():
        send_sigkill(pid)
    # A frozen process of version 1 dies only when it is thawed.
    if freezer:
        write_if_there(freezer, "freezer.state", "THAWED")


def write_if_there(group: Group, file: str, value: str | int) -> None:
    """Write to a file of a cgroup. It is not an error if the cgroup is gone: then there is nothing left to kill."""
    with Allowing(errno.ENOENT, errno.ENODEV):
        group.write(file, value).apply()


def send_sigkill(pid: int) -> None:
    """Send SIGKILL to a process. A process that has ended is not an error."""
    with Allowing(errno.ESRCH):
        os.kill(pid, SIGKILL)
