"""vm/Vagrantfile, as far as that can be told in a moment; `tox -e vagrant` has it validated and brings a machine up."""

import shutil
import subprocess
from pathlib import Path

import pytest

VM = Path(__file__).resolve().parents[3] / "vm"


@pytest.mark.parametrize("name", ["Vagrantfile", "box/Vagrantfile"])
def test_it_is_ruby(name: str) -> None:
    if not shutil.which("ruby"):
        pytest.skip("ruby is not installed")
    result = subprocess.run(["ruby", "-wc", VM / name], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "Syntax OK\n", "")
