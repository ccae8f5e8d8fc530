"""Pseudo-terminals: devpts and the ioctls of ioctl_tty(2)."""

from __future__ import annotations

import os
from fcntl import ioctl
from struct import pack, unpack

_TIOCSCTTY = 0x540E
_TIOCGWINSZ = 0x5413
_TIOCSWINSZ = 0x5414
_TIOCGPTN = 0x80045430
_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441


def open_master(ptmx: str) -> tuple[int, int]:
    """Open a new pseudo-terminal of the devpts instance of `ptmx`. Return (the master's descriptor, the slave's number)."""
    master = os.open(ptmx, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    ioctl(master, _TIOCSPTLCK, pack("i", 0))
    return master, unpack("I", ioctl(master, _TIOCGPTN, bytes(4)))[0]


def open_slave(master: int) -> int:
    """Open the slave of a master, wherever its devpts is mounted, and return the descriptor (Linux 4.13)."""
    return ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def make_controlling(slave: int) -> None:
    """Make a terminal the controlling terminal of this process's session. The process must be the session's leader."""
    ioctl(slave, _TIOCSCTTY, 0)


def window_size(terminal: int) -> tuple[int, int]:
    """Return the size of a terminal as (rows, columns)."""
    rows, columns, _, _ = unpack("HHHH", ioctl(terminal, _TIOCGWINSZ, bytes(8)))
    return rows, columns


def set_window_size(terminal: int, rows: int, columns: int) -> None:
    """Set the size of a terminal. The kernel tells the foreground processes by SIGWINCH."""
    ioctl(terminal, _TIOCSWINSZ, pack("HHHH", rows, columns, 0, 0))
