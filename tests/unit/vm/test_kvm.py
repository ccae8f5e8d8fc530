"""vm/kvm.py: an accelerator is judged by a guest that runs, or does not."""

import os
import shutil
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


def test_the_boot_sector_is_one() -> None:
    assert len(kvm._BOOT_SECTOR) == 512 and kvm._BOOT_SECTOR.endswith(b"\x55\xaa")


def test_without_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kvm.why_not("tcg", 5) == "qemu-system-x86_64 is not installed"


@pytest.mark.parametrize(
    "script, reason",
    [
        ("exit 33", None),
        ("echo Could not access KVM kernel module >&2; exit 1", "Could not access KVM kernel module"),
        ("exit 0", "QEMU's exit status is 0"),
        ("exec sleep 60", "kvm: a guest of a few instructions did not end within 0.2 s"),
    ],
)
def test_how_a_guest_ends(qemu: Path, script: str, reason: str | None) -> None:
    qemu.write_text(f"#!/bin/sh\n{script}\n")
    assert kvm.why_not("kvm", 0.2 if reason and "within" in reason else 10) == reason


def test_kvm_that_is_slower_than_emulation_is_no_help(qemu: Path) -> None:
    qemu.write_text('#!/bin/sh\n[ "$2" = tcg ] || exec sleep 60\nexit 33\n')
    assert "did not end within 2." in (kvm.why_not_kvm() or "")


def test_a_real_guest() -> None:
    if not shutil.which(kvm.QEMU):
        pytest.skip(f"{kvm.QEMU} is not installed")
    assert kvm.why_not("tcg", 60) is None
