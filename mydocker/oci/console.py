"""The terminal of a container, seen from outside.

Either its master is sent to the caller (--console-socket), or this process stays between the master and the terminal on which the
command was typed.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module signal wraps this one in enums, and takes time for it
import _socket
import os
from select import POLLIN, poll
from struct import pack

from mydocker.errors import BadInput
from mydocker.kernel import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.oci.arguments import Arguments
    from mydocker.runtime.spec import Process

_FORWARDED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")


def check(process: Process, arguments: Arguments, detached: bool) -> None:
    """Raise BadInput for a terminal whose master nobody would hold, and for a console socket without a terminal."""
    socket, wanted = arguments.value("console-socket"), process["terminal"]
    if wanted and detached and not socket:
        raise BadInput("cannot allocate tty if detached without --console-socket")
    if socket and not wanted:
        raise BadInput(f"--console-socket {socket!r}: expected process.terminal to be true")


def size(process: Process) -> tuple[int, int] | None:
    """Return (rows, columns) of the terminal, or None if there is no terminal or config.json does not say its size."""
    wanted = process.get("consoleSize") if process["terminal"] else None
    return (wanted["height"], wanted["width"]) if wanted else None


def hand_over(master: int, arguments: Arguments) -> None:
    """Send the master of a pty to --console-socket, if both are there. Raises BadInput if nobody listens on the socket.

    master: the master's descriptor, or -1.
    """
    path = arguments.value("console-socket")
    if not path or master < 0:
        return
    socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        socket.connect(path)
        name = os.readlink(f"/proc/self/fd/{master}").encode()
        socket.sendmsg([name], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pack("i", master))])
    except OSError as error:
        raise BadInput(f"--console-socket {path!r}: {error.strerror}") from error
    finally:
        socket.close()


def stay(pid: int, master: int) -> int:
    """Stay in the foreground until a process ends, and return its exit status, or 128 + the number of the signal that ended it.

    Signals are passed on to the process and, with a terminal, bytes and window sizes too.

    pid: a child of this process.
    master: the descriptor of the pty's master, or -1.
    """
    wake, theirs = os.pipe()
    os.set_blocking(theirs, False)
    _signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    for name in (*_FORWARDED, "SIGWINCH"):
        _signal.signal(getattr(_signal, name), lambda number, frame: None)
    saved = _enter_raw_mode(master)
    try:
        return _Relay(pid, master, wake).run()
    finally:
        if saved:
            _leave_raw_mode(saved)


def _enter_raw_mode(master: int) -> Any:
    if master < 0 or not os.isatty(0):
        return None
    import termios
    import tty

    saved = termios.tcgetattr(0)
    tty.setraw(0)
    terminal.set_window_size(master, *terminal.window_size(0))
    return saved


def _leave_raw_mode(saved: Any) -> None:
    import termios

    termios.tcsetattr(0, termios.TCSADRAIN, saved)


class _Relay:
    """Passes bytes between our terminal and the container's, and signals to its process, until the process ends."""

    __slots__ = ("pid", "master", "wake", "poller", "ended")

    def __init__(self, pid: int, master: int, wake: int) -> None:
        self.pid = pid
        self.master = master
        self.wake = wake  # the pipe on which signals arrive, each as a byte (signal.set_wakeup_fd)
        self.ended = os.pidfd_open(pid)
        self.poller = poll()
        for descriptor in (wake, self.ended, *((0, master) if master >= 0 else ())):
            self.poller.register(descriptor, POLLIN)

    def run(self) -> int:
        while True:
            ready = {descriptor for descriptor, _ in self.poller.poll()}
            if self.wake in ready:
                self._signals(os.read(self.wake, 64))
            if 0 in ready:
                self._copy(0, self.master)
            if self.master in ready:
                self._copy(self.master, 1)
            elif self.ended in ready:
                os.close(self.ended)
                code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                return 128 - code if code < 0 else code

    def _copy(self, source: int, target: int) -> None:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""  # The error is EIO: nobody has the terminal open any more.
        if not data:
            self.poller.unregister(source)
        while data:
            data = data[os.write(target, data) :]

    def _signals(self, numbers: bytes) -> None:
        for number in numbers:
            if number == _signal.SIGWINCH:
                if self.master >= 0 and os.isatty(0):
                    terminal.set_window_size(self.master, *terminal.window_size(0))
                continue
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
