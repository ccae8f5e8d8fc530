"""The container of an instruction is removed whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.build.workplace import Workplace

if TYPE_CHECKING:
    from mydocker.errors import Error


class Interrupted(Workplace):
    """One whose removal is interrupted."""

    def __init__(self) -> None:
        self.is_removed = False

    def __enter__(self) -> Interrupted:
        return self

    def _remove(self) -> list[Error]:
        os.kill(os.getpid(), signal.SIGINT)
        self.is_removed = True
        return []


def test_an_interrupt_waits_until_the_container_is_removed() -> None:
    place = Interrupted()
    with pytest.raises(KeyboardInterrupt), place:
        pass
    assert place.is_removed
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
