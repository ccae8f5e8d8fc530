"""vm/kvm.py: an accelerator is judged by a kernel that boots, or does not."""

import os
from pathlib import Path

import kvm
import pytest


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in QEMU's place, still to be written."""
    program = tmp_path / kvm.QEMU
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


def test_without_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kvm.why_not("tcg", "vmlinuz", 5) == "qemu-system-x86_64 is not installed"


def test_without_its_device_nothing_is_tried(qemu: Path, tmp_path: Path) -> None:
    qemu.write_text(f"#!/bin/sh\ntouch {tmp_path}/tried\n")
    assert kvm.why_not_kvm("vmlinuz", f"{tmp_path}/kvm") == f"there is no {tmp_path}/kvm"
    assert not (tmp_path / "tried").exists()


@pytest.mark.parametrize(
    "script, reason",
    [
        ("echo '[1.9] Kernel panic - not syncing: VFS: Unable to mount root fs'", None),
        ("echo Could not access KVM kernel module >&2; exit 1", "Could not access KVM kernel module"),
        ("echo 'Probing EDD'; exit 0", "kvm: a kernel did not boot; QEMU's exit status is 0"),
        ("echo 'Probing EDD'; exec sleep 60", "kvm: a kernel did not boot within 0.2 s"),
    ],
)
def test_how_a_guest_ends(qemu: Path, script: str, reason: str | None) -> None:
    qemu.write_text(f"#!/bin/sh\n{script}\n")
    assert kvm.why_not("kvm", "vmlinuz", 0.2 if reason and "within" in reason else 10) == reason


def test_kvm_that_is_slower_than_emulation_is_no_help(qemu: Path, tmp_path: Path) -> None:
    qemu.write_text('#!/bin/sh\n[ "$2" = tcg ] || exec sleep 60\necho Kernel panic\n')
    assert "kvm: a kernel did not boot within 1." in (kvm.why_not_kvm("vmlinuz", str(tmp_path)) or "")


def test_kvm_that_works(qemu: Path, tmp_path: Path) -> None:
    qemu.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/runs\necho Kernel panic\n')
    assert kvm.why_not_kvm("vmlinuz", str(tmp_path)) is None
    runs = (tmp_path / "runs").read_text().splitlines()
    assert [run.split()[1] for run in runs] == ["tcg", "kvm"] and all("-kernel vmlinuz" in run for run in runs)
