"""What binfmt_misc says of programs for other architectures."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.engine.build import emulation

QEMU = "interpreter /usr/libexec/qemu-binfmt/{name}\nflags: F\noffset 0\n"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A procfs with a binfmt_misc on a machine that is an amd64."""
    monkeypatch.setattr(emulation, "host_platform", lambda: "linux/amd64")
    place = tmp_path / "sys/fs/binfmt_misc"
    place.mkdir(parents=True)
    entries = {
        "status": "enabled\n",
        "register": "",
        "qemu-aarch64": "enabled\n"
        + QEMU
        + "magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n",
        "qemu-s390x": "disabled\n" + QEMU + "magic 7f454c4602020100000000000000000000020016\n",
        "python3.11": "enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n",
        "jar": "enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n",
    }
    for name, text in entries.items():
        (place / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("architecture", "can"),
    [("amd64", True), ("386", True), ("arm64", True), ("s390x", False), ("riscv64", False), ("of-tomorrow", True)],
)
def test_what_can_run(proc: Path, architecture: str, can: bool) -> None:
    assert emulation.can_run(architecture, str(proc)) is can
