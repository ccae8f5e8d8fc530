"""What a monitor that is a fork of a command leaves alone."""

from __future__ import annotations

import gc
import os
import socket

from mydocker.engine.monitor import launcher


class Cycle:
    """Garbage that only the collector finds, with a socket in it."""

    def __init__(self) -> None:
        self.own = self
        self.socket = socket.socket(socket.AF_UNIX)


def test_the_caller_s_garbage_closes_no_descriptor_of_a_monitor() -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            gc.disable()
            number = Cycle().socket.fileno()
            launcher._let_go_of_the_caller()
            gc.collect()
            os.fstat(number)  # by now it would be the monitor's own
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
