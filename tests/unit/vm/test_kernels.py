"""vm/kernels.py: what is booted, in which order, and that no machine outlives a run."""

from __future__ import annotations

from pathlib import Path

import click
import kernels
import pytest
from kernelpackages import Kernel
from table import Row

ASKED = kernels.Asked(["overlay", "vfs"], False, False, True, Path("/disk"), ["tests/integration"])
PLAN = [(Kernel(name, name, Path("/vmlinuz")), "v1") for name in ("5.10", "6.1", "6.12")]


class FakeMachine:
    """A machine that is over when it was looked at so often."""

    alive: list[FakeMachine] = []  # noqa: RUF012  # the tests' own
    most = 0

    def __init__(self, name: str, looks: int) -> None:
        self.name = name
        self.looks = looks
        self.alive.append(self)
        FakeMachine.most = max(FakeMachine.most, len(self.alive))

    def is_over(self) -> bool:
        self.looks -= 1
        return self.looks <= 0

    def progress(self) -> str:
        return f"{self.name} overlay 50%"

    def end(self) -> str:
        self.alive.remove(self)
        return ""


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Machines that are fakes; how long each lives."""
    lives = {"5.10": 3, "6.1": 1, "6.12": 1}
    FakeMachine.alive, FakeMachine.most = [], 0
    monkeypatch.setattr(kernels, "start", lambda kernel, *_: FakeMachine(kernel.name, lives[kernel.name]))
    monkeypatch.setattr("kernels.time.sleep", lambda _: None)

    def finish(machine: FakeMachine, kernel: Kernel, layout: str, asked: kernels.Asked) -> list[Row]:
        machine.end()
        return [Row(kernel.name, layout, driver, "passed") for driver in asked.drivers]

    monkeypatch.setattr(kernels, "finish", finish)
    return lives


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_rows_come_in_the_plans_order_however_many_boots_there_are_at_a_time(looks: dict[str, int], jobs: int) -> None:
    told: list[int] = []
    rows = kernels.run(PLAN, jobs, ASKED, lambda rows: told.append(len(rows)))
    assert told == [2, 4, 6]
    assert [(row.kernel, row.driver) for row in rows] == [(kernel.name, driver) for kernel, _ in PLAN for driver in ("overlay", "vfs")]
    assert (FakeMachine.most, FakeMachine.alive) == (min(jobs, 3), [])


def test_no_machine_outlives_a_run_that_is_interrupted(looks: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> list[Row]:
        raise KeyboardInterrupt

    monkeypatch.setattr(kernels, "finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        kernels.run(PLAN, 3, ASKED, len)
    assert FakeMachine.alive == []


def test_a_table_says_what_its_tests_ran_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels.os.cpu_count", lambda: 2)
    assert kernels.conditions(True, ()) == "QEMU without KVM, 2 processors"
    assert kernels.conditions(False, ("-k", "a b")) == "QEMU with KVM, 2 processors, pytest -k 'a b'"


def test_vfs_tries_what_depends_on_storage() -> None:
    assert kernels.selection("overlay", False) == "kernel"
    assert kernels.selection("vfs", False) == "kernel and storage"
    assert kernels.selection("vfs", True) == "kernel or not kernel"


def test_an_emulated_processor_gets_more_time() -> None:
    assert kernels.seconds(ASKED) == kernels.SLOWER * kernels.seconds(ASKED._replace(emulated=False))


def test_what_is_booted() -> None:
    assert kernels.boots(("6.12:v2", "5.10:v1"), (), ()) == [("6.12", "v2"), ("5.10", "v1")]
    assert kernels.boots((), ("6.1",), ()) == [("6.1", "v1"), ("6.1", "hybrid"), ("6.1", "v2")]
    assert len(kernels.boots((), (), ())) == 12
    assert kernels.boots(("5.10:systemd",), (), ()) == [("5.10", "systemd")]
    with pytest.raises(click.BadParameter, match=r"expected KERNEL:LAYOUT, one of .* newest and of v1, hybrid, v2, systemd"):
        kernels.boots(("6.1",), (), ())


def test_it_says_what_it_does(looks: dict[str, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(kernels, "WORD_SECONDS", -1)
    kernels.run(PLAN[:1], 1, ASKED, len)
    assert capsys.readouterr().out.splitlines()[:2] == ["booting 5.10, v1 (1 of 1)", "0 s: 5.10 overlay 50%"]
