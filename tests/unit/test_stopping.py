"""--stop-after: an interrupt is an answer at any moment, not only while the answer is waited for."""

from __future__ import annotations

import os
import signal

import pytest

from mydocker import explaining
from mydocker.cli.base import Session
from mydocker.cli.explain.stopping import Stopping
from mydocker.paths import Paths


@pytest.mark.parametrize("held", [False, True])
def test_an_interrupt_while_the_step_is_shown_undoes_it(monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    stopping = Stopping(Session(Paths("/root", "/state"), None, False), "pivot_root")
    monkeypatch.setattr(Stopping, "_show", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    handler, mask = signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK if held else signal.SIG_UNBLOCK, [signal.SIGINT])
        stopping.hear(explaining.said("init", "pivot_root"))
        assert (signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])) == held
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    assert stopping.interrupted and os.read(stopping.stop.gate, 9) == explaining.UNDO
    assert signal.getsignal(signal.SIGINT) is handler
    os.close(stopping.stop.gate)
    os.close(stopping.answers)
