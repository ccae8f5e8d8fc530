"""Waiting until something in a directory changes (inotify(7))."""

from __future__ import annotations

import os
from select import POLLIN, poll

from mydocker.kernel.libc import call

IN_MODIFY = 0x2
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE_SELF = 0x400


class Watch:
    """One watched directory."""

    __slots__ = ("descriptor",)

    def __init__(self, directory: str, mask: int = IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF) -> None:
        self.descriptor = call("inotify_init1", os.O_CLOEXEC | os.O_NONBLOCK)
        call("inotify_add_watch", self.descriptor, directory, mask, subject=directory)

    def wait(self, seconds: float, *others: int) -> None:
        """Wait until something has changed since the last call, or one of the others hangs up, but at most so many seconds."""
        poller = poll()
        poller.register(self.descriptor, POLLIN)
        for other in others:
            poller.register(other, 0)
        if self.descriptor in dict(poller.poll(seconds * 1000)):
            os.read(self.descriptor, 65536)

    def close(self) -> None:
        os.close(self.descriptor)
