"""What `mydocker system init` replaces, and of what it makes an image."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from struct import pack

import pytest

from mydocker.engine.system import installation


def test_only_pips_scripts_become_launchers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda kind: str(tmp_path if kind == "scripts" else tmp_path / "lib"))
    script = tmp_path / "mydocker"
    script.write_text("#!/venv/bin/python\nimport sys\nfrom mydocker.cli.entry import main\nsys.exit(main())\n")
    (tmp_path / "mydocker-oci").write_text("#!/bin/sh\nexec something-else\n")
    steps = installation.faster_commands()
    told = ["write the modules of each verb into one file", f"write the launcher {script}"]
    assert [step.describe() for step in steps] == told
    steps[1].apply()
    assert script.read_bytes()[:4] in (b"\x7fELF", b"#!" + script.read_bytes()[2:4])
    assert str(tmp_path / "lib").encode() in script.read_bytes()
    assert os.stat(script).st_mode & 0o777 == 0o755
    assert installation.faster_commands() == []


def elf(*kinds: int) -> bytes:
    """Return the headers of an ELF file with these program headers."""
    head = b"\x7fELF\x02\x01\x01".ljust(32, b"\0") + pack("<Q", 64) + bytes(14) + pack("<HH", 56, len(kinds)) + bytes(6)
    return head + b"".join(pack("<I", kind).ljust(56, b"\0") for kind in kinds)


@pytest.mark.parametrize(
    ("content", "is_static"),
    [(elf(1, 4), True), (elf(6, 3, 1), False), (elf(), True), (elf(1, 3)[:100], False), (b"#!/bin/sh\n", False), (b"", False)],
)
def test_a_program_that_needs_libraries_makes_no_image(tmp_path: Path, content: bytes, is_static: bool) -> None:
    (tmp_path / "busybox").write_bytes(content)
    assert installation.is_static(f"{tmp_path}/busybox") is is_static
