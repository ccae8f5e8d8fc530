"""The text that starts a program of ours without site: it finds our package, hides nothing of the standard library, stands in one place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from mydocker import program

REPOSITORY = Path(__file__).parents[2]


def test_a_command_finds_the_package_and_its_arguments() -> None:
    words = [*program.command("mydocker.oci.entry", "sealed=True"), "--version"]
    assert words[:4] == [sys.executable, "-I", "-S", "-c"]
    told = subprocess.run(words, capture_output=True, text=True, cwd="/", env={}, check=True).stdout
    assert told.startswith("mydocker-oci version ")


def test_a_command_finds_the_libraries_that_a_monitor_imports() -> None:
    *words, program_text = program.command("mydocker.oci.entry")
    start = program_text.partition("; from ")[0]
    result = subprocess.run([*words, f"{start}; import mydocker, dns.message"], capture_output=True, text=True, cwd="/", env={})
    assert (result.returncode, result.stderr) == (0, "")


def test_a_script_is_executable_text_whose_libraries_hide_nothing(tmp_path: Path) -> None:
    (tmp_path / "marshal.py").write_text("raise SystemExit('not the standard library')")
    (tmp_path / "os.py").write_text("raise SystemExit('not the standard library')")
    path = tmp_path / "mydocker-oci"
    path.write_text(program.script(sys.executable, "mydocker.oci.entry", str(tmp_path), str(REPOSITORY)))
    path.chmod(0o755)
    assert subprocess.run([path, "--version"], capture_output=True, text=True).stdout.startswith("mydocker-oci version ")


def test_no_other_file_writes_such_a_text() -> None:
    written = re.compile(r"from (mydocker\.\S+|\$\S+|\{\S+\}) import main(;|\\n|$)", re.MULTILINE)
    tracked = [path for part in ("mydocker", "vm", "tests") for path in (REPOSITORY / part).rglob("*") if path.suffix in (".py", ".sh")]
    assert [path.name for path in tracked if re.search(r"sys\.path", path.read_text()) and written.search(path.read_text())] == [
        "program.py"
    ]
