"""The container's terminal: what its step says, its pty, and streams that are given to its user."""

from __future__ import annotations

import os
import termios

import pytest

from mydocker.kernel import terminal
from mydocker.runtime.console import OpenConsole, OwnStandardStreams


def read_line(descriptor: int) -> bytes:
    """Return one line: what is written to a pty at once may come in pieces."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(descriptor, 100)
    return line


def test_what_the_steps_say() -> None:
    assert OpenConsole("/r", (1, 2), None).describe() == (
        "open a pty in /dev/pts of the root, bind its slave on /dev/console, make it the controlling terminal"
    )
    assert OwnStandardStreams(33).describe() == "fchown standard streams to 33"


@pytest.mark.parametrize("size", [(24, 80), (0, 0), (65535, 1)])
def test_a_size_is_the_same_on_both_sides(size: tuple[int, int]) -> None:
    master, number = terminal.open_master("/dev/ptmx")
    slave = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
    terminal.set_window_size(master, *size)
    assert terminal.window_size(slave) == size
    os.close(slave)
    os.close(master)


def test_a_slave_without_its_path() -> None:
    master, number = terminal.open_master("/dev/ptmx")
    slave = terminal.open_slave(master)
    assert os.ttyname(slave) == f"/dev/pts/{number}"
    assert not os.get_inheritable(slave)
    os.write(slave, b"x\n")
    assert read_line(master) == b"x\r\n"
    os.close(slave)
    os.close(master)


def test_a_controlling_terminal() -> None:
    """Ctrl-C typed at the master reaches the process that made the slave its terminal."""
    master, _ = terminal.open_master("/dev/ptmx")
    slave = terminal.open_slave(master)
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            terminal.make_controlling(slave)
            import signal

            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.alarm(5)
            os.write(slave, b"ready\n")
            while True:
                os.read(slave, 100)
        finally:
            os._exit(1)
    assert read_line(master) == b"ready\r\n"
    assert termios.tcgetattr(slave)[3] & termios.ISIG
    os.write(master, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -2
    os.close(slave)
    os.close(master)


def test_streams_that_are_null_or_the_users_own_are_left_alone() -> None:
    """Giving anything away takes root; what needs no giving must not try."""
    child = os.fork()
    if child == 0:
        try:
            null = os.open("/dev/null", os.O_RDWR)
            pipe = os.pipe()[1]
            os.dup2(null, 0)
            os.dup2(pipe, 1)
            os.dup2(null, 2)
            before = [os.fstat(descriptor) for descriptor in (0, 1, 2)]
            OwnStandardStreams(os.getuid()).apply()
            os._exit(before != [os.fstat(descriptor) for descriptor in (0, 1, 2)])
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
