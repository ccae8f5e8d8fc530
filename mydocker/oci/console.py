"""Terminals: handing the master to whoever asked for it, or staying between it and the terminal that the command was typed on."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what the signal module wraps in enums
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
    """Refuse a terminal that nobody would hold, and a socket for none."""
    socket, wanted = arguments.value("console-socket"), process["terminal"]
    if wanted and detached and not socket:
        raise BadInput("cannot allocate tty if detached without --console-socket")
    if socket and not wanted:
        raise BadInput(f"--console-socket {socket!r}: expected process.terminal to be true")


def size(process: Process) -> tuple[int, int] | None:
    """Return (rows, columns) of the terminal, where there is one and somebody says so."""
    wanted = process.get("consoleSize") if process["terminal"] else None
    return (wanted["height"], wanted["width"]) if wanted else None


def hand_over(master: int, arguments: Arguments) -> None:
    """Send a pty's master to --console-socket, if both are there."""
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
    """Wait for a process in the foreground, passing on signals, and with a terminal bytes and sizes; return its exit status or 128+N."""
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
    """Bytes between our terminal and the container's, signals to its process, until that ends."""

    __slots__ = ("pid", "master", "wake", "poller", "ended")

    def __init__(self, pid: int, master: int, wake: int) -> None:
        self.pid = pid
        self.master = master
        self.wake = wake
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
            data = b""  # EIO: nobody has the terminal open any more
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
