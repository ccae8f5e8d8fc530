"""The container's terminal: a pty of its own devpts, its slave on /dev/console and on standard input, output and error."""

from __future__ import annotations

import os

from mydocker.kernel import inroot, terminal
from mydocker.kernel.mounts import MS_BIND
from mydocker.messages import TERMINAL
from mydocker.steps.base import Step
from mydocker.steps.rootfs import MountInRoot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.kernel.channel import Channel
    from mydocker.runtime.spec import Spec


class OpenPty(Step):
    """Open a pty in the container's devpts, send its master to the parent, make the slave this session's terminal.

    channel: where the master goes, as TERMINAL; None in a plan that is only described. size: (rows, columns) or None.
    """

    root: str
    size: tuple[int, int] | None
    channel: Channel | None

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
        """A terminal of one process among others is nobody's console."""

    def describe(self) -> str:
        return "open a pty in /dev/pts of the root, make it the controlling terminal"


class OpenConsole(OpenPty):
    """Open the pty of the container's first process, which is the container's console too."""

    __slots__ = ()

    def _show(self, path: int) -> None:
        MountInRoot(self.root, inroot.by_descriptor(path), "/dev/console", flags=MS_BIND).apply()

    def describe(self) -> str:
        return "open a pty in /dev/pts of the root, bind its slave on /dev/console, make it the controlling terminal"


class OwnStandardStreams(Step):
    """Give pipes and terminals on 0, 1 and 2 to the container's user, so that it may open /dev/stdout again."""

    uid: int

    def apply(self) -> None:
        null = os.stat("/dev/null").st_rdev
        for descriptor in (0, 1, 2):
            status = os.fstat(descriptor)
            if status.st_rdev != null and status.st_uid != self.uid:
                os.fchown(descriptor, self.uid, -1)

    def describe(self) -> str:
        return f"fchown standard streams to {self.uid}"


def first(spec: Spec, root: str, size: tuple[int, int] | None, channel: Channel | None) -> list[Step]:
    """Return the steps that open the terminal of a container's first process; none where it has none."""
    return [OpenConsole(root, size, channel)] if spec["process"].get("terminal") else []


def further(spec: Spec, size: tuple[int, int] | None, channel: Channel | None) -> list[Step]:
    """Return the steps that open the terminal of one more process, which is in the container already."""
    return [OpenPty("/", size, channel)] if spec["process"].get("terminal") else []


def owned(uid: int) -> list[Step]:
    """Return the steps that give the standard streams to the container's user."""
    return [OwnStandardStreams(uid)] if uid else []
