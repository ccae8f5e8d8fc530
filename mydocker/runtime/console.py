"""The terminal of a container's process.

It is a pty of the container's own devpts. Its slave is standard input, output and error of the process and, for the first process, also
/dev/console. Its master goes to the parent.
"""

from __future__ import annotations

import os
from errno import EINVAL, EPERM, EROFS

from mydocker.kernel import inroot, terminal
from mydocker.kernel.files import Allowing
from mydocker.kernel.mounts import MS_BIND
from mydocker.messages import TERMINAL
from mydocker.steps.base import Step
from mydocker.steps.rootfs import MountInRoot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.kernel.channel import Channel
    from mydocker.runtime.spec import Spec


class OpenPty(Step):
    """Open a pty in the container's devpts, send its master to the parent, and make its slave the terminal of this session."""

    root: str  # the path of the container's root
    size: tuple[int, int] | None  # (rows, columns)
    channel: Channel | None  # where the master goes in a message TERMINAL; None in a plan that is only described

    def apply(self) -> None:
        assert self.channel
        ptmx = inroot.open_in(self.root, "/dev/pts/ptmx")
        master, number = terminal.open_master(inroot.by_descriptor(ptmx))
        os.close(ptmx)
        if self.size:
            terminal.set_window_size(master, *self.size)
        self._use(inroot.open_in(self.root, f"/dev/pts/{number}"))
        self.channel.put(TERMINAL, number, (master,))
        os.close(master)

    def _use(self, path: int) -> None:
        slave = os.open(inroot.by_descriptor(path), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        terminal.make_controlling(slave)
        for descriptor in (0, 1, 2):
            os.dup2(slave, descriptor)
        os.close(slave)
        self._show(path)
        os.close(path)

    def _show(self, path: int) -> None:
        """Show the slave on /dev/console, in a subclass. Here nothing is done: only the first process's terminal is the console."""

    def describe(self) -> str:
        return "open a pty in /dev/pts of the root, make it the controlling terminal"


class OpenConsole(OpenPty):
    """Open the pty of the container's first process. It is the container's console too."""

    __slots__ = ()

    def _show(self, path: int) -> None:
        MountInRoot(self.root, inroot.by_descriptor(path), "/dev/console", flags=MS_BIND).apply()

    def describe(self) -> str:
        return "open a pty in /dev/pts of the root, bind its slave on /dev/console, make it the controlling terminal"


class OwnStandardStreams(Step):
    """Give the pipes and terminals on descriptors 0, 1 and 2 to the container's user, so that it may open /dev/stdout again."""

    uid: int  # the user, as a number inside the container

    def apply(self) -> None:
        null = os.stat("/dev/null").st_rdev
        for descriptor in (0, 1, 2):
            status = os.fstat(descriptor)
            if status.st_rdev != null and status.st_uid != self.uid:
                with Allowing(EPERM, EINVAL, EROFS):  # the owner has no number in this user namespace, or nobody's owner can change
                    os.fchown(descriptor, self.uid, -1)

    def describe(self) -> str:
        return f"fchown standard streams to {self.uid}"


def first(spec: Spec, root: str, size: tuple[int, int] | None, channel: Channel | None) -> list[Step]:
    """Return the steps that open the terminal of a container's first process, or none if it has no terminal.

    root: the path of the container's root.
    size: (rows, columns) of the terminal, or None.
    channel: where the terminal's master goes, or None in a plan that is only described.
    """
    return [OpenConsole(root, size, channel)] if spec["process"].get("terminal") else []


def further(spec: Spec, size: tuple[int, int] | None, channel: Channel | None) -> list[Step]:
    """Return the steps that open the terminal of one more process, which is in the container already. See first()."""
    return [OpenPty("/", size, channel)] if spec["process"].get("terminal") else []


def owned(uid: int) -> list[Step]:
    """Return the steps that give the standard streams to the container's user, or none if that is root."""
    return [OwnStandardStreams(uid)] if uid else []
