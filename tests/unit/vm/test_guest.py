"""vm/guest.py: a machine ends, one way or another, and it is said which. Stand-ins for virtme-ng and QEMU; real ones: tests/harness."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from guest import SHARED, Boot, Machine, command, verdict

Maker = Callable[..., Machine]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    """Return a function that starts a machine whose virtme-ng is a shell script; DIR stands for the boot's directory."""
    programs, directory = tmp_path / "bin", tmp_path / "boot"
    programs.mkdir()
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr("guest._GRACE", 0.2)

    def start(script: str, seconds: float = 30) -> Machine:
        for name, text in (("vng", script.replace("DIR", str(directory))), ("qemu-img", f"touch {directory}/disk.qcow2")):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        return Machine(Boot(tmp_path / "vmlinuz", tmp_path / "disk", directory, True, "true", tmp_path / "shell"), seconds)

    return start


def ended(machine: Machine) -> str:
    """Wait until it is over, end it, return the verdict."""
    while not machine.is_over():
        time.sleep(0.01)
    return machine.end()


def test_a_machine_that_did_its_work(machine: Maker) -> None:
    assert ended(machine(": > DIR/end")) == ""


def test_a_machine_that_died_is_told_with_its_last_words_and_its_log_is_kept(machine: Maker) -> None:
    one = machine("echo booting; echo qemu: no memory >&2; exit 1")
    assert ended(one) == "the machine ended before its tests did: qemu: no memory"
    assert "booting" in (one.boot.directory / "machine.log").read_text()


def test_a_kernel_panic_is_told(machine: Maker) -> None:
    one = machine("echo '[ 1.0] Kernel panic - not syncing: Fatal exception'")
    assert ended(one) == "kernel panic: Fatal exception"


def test_a_machine_that_hangs_is_ended_with_all_its_processes(machine: Maker) -> None:
    one = machine("sleep 100 & echo $! > DIR/pid; trap '' TERM; echo hanging; wait; sleep 100", 0.5)
    assert ended(one) == "no end within 0.5 s"
    pid = int((one.boot.directory / "pid").read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
    assert not (one.boot.directory / "disk.qcow2").exists()


def test_a_panic_counts_more_than_the_deadline_it_caused(tmp_path: Path) -> None:
    (tmp_path / "machine.log").write_text("vng\nKernel panic - not syncing: VFS: Unable to mount root fs\n")
    assert verdict(tmp_path, "no end within 9 s") == "kernel panic: VFS: Unable to mount root fs"


def test_without_kvm_the_plainest_processor_is_emulated(tmp_path: Path) -> None:
    boot = Boot(tmp_path / "vmlinuz", tmp_path / "disk", tmp_path, True, "sh inside.sh", tmp_path / "shell")
    assert "--disable-kvm" in command(boot)
    assert "--disable-kvm" not in command(boot._replace(emulated=False))
    assert command(boot)[-2:] == ["--", "sh inside.sh"]


def test_nothing_that_a_lesson_types_uses_the_shared_directory(tmp_path: Path) -> None:
    """What is mounted at a place already is no mount of a lesson's, and its commands would print something else."""
    boot = Boot(tmp_path / "vmlinuz", tmp_path / "disk", tmp_path, True, "", tmp_path / "shell")
    assert f"--rwdir={SHARED}={tmp_path}" in command(boot)
    lessons = Path(__file__).resolve().parents[3] / "mydocker/learn/lessons"
    assert not [path for path in lessons.rglob("*.*") if path.suffix in (".md", ".sh") and SHARED in path.read_text()]


def test_how_far_it_is(machine: Maker) -> None:
    made = machine("printf 'test_a.py ... [  7%%]\\ntest_b.py .. [ 42%%]\\n' > DIR/overlay.log")
    made.process.wait()
    assert made.progress() == "boot overlay 42%"
    made.end()
