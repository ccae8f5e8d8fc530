"""The files of modules that an installation has: what is in them, and that nothing depends on them."""

from __future__ import annotations

import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mydocker import freeze

PACKAGE = Path(freeze.__file__).parent
# Prints which modules of ours Python itself has to find for a program, after the files of NAMES were loaded.
FOUND = """
import sys
from mydocker import frozen
class Witness:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "mydocker":
            print(name)
sys.meta_path.insert(0, Witness)
for name in NAMES:
    frozen.load(name)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("library")
    shutil.copytree(PACKAGE, library / "mydocker", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "mydocker.freeze"], cwd=library, check=True, env={**os.environ, "PYTHONPATH": str(library)})
    return library


@pytest.fixture
def library(written: Path, tmp_path: Path) -> Path:
    """Return a copy, for a test that changes it. The times of the files stay."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def told(library: Path, program: str, *names: str) -> str:
    """Return what a lean interpreter prints for a program, after it has loaded files of modules."""
    code = FOUND.replace("NAMES", repr(names)) + program
    return subprocess.run([sys.executable, "-S", "-c", code], cwd=library, capture_output=True, text=True, check=True).stdout


def names_in(library: Path, name: str) -> set[str]:
    [path] = (library / "mydocker/__pycache__").glob(f"{name}.*.frozen")
    return {module[0] for module in marshal.loads(path.read_bytes())[1]}


@pytest.mark.parametrize("name", list(freeze.PROGRAMS))
def test_nothing_is_left_to_be_found(written: Path, name: str) -> None:
    assert told(written, f"import {', '.join(freeze.PROGRAMS[name])}", name) == ""


def test_what_monitor_and_client_share_is_in_neither_of_their_files(written: Path) -> None:
    shared = names_in(written, "start")
    assert "mydocker.store" in shared
    assert "mydocker.engine.monitor.supervise" in names_in(written, "monitor")
    for name in ("monitor", "run", "execute"):
        assert not names_in(written, name) & shared


def test_a_module_is_as_python_makes_it(written: Path) -> None:
    show = (
        "import importlib.resources; from mydocker import store, engine; import mydocker; "
        "print(store.__file__, store.__package__, store.__spec__.name, store.__spec__.origin, mydocker.store is store, "
        "store.__spec__.parent, store.__spec__.has_location, store.__spec__.cached, engine.__path__, engine.__package__, "
        "importlib.resources.files(engine))"
    )
    assert told(written, show, "main").splitlines()[-1] == told(written, show).splitlines()[-1]


def test_an_error_names_its_line(written: Path) -> None:
    line = told(
        written,
        "import traceback; from mydocker import store\ntry: store.read_whole(3.5)\nexcept TypeError: traceback.print_exc(file=sys.stdout)",
        "main",
    )
    assert f'File "{written}/mydocker/store.py", line ' in line
    assert "in read_whole\n" in line


def test_a_source_that_was_changed_is_what_counts(library: Path) -> None:
    with open(library / "mydocker/store.py", "a") as file:
        file.write("NEW = 'changed'\n")
    assert told(library, "from mydocker import store; print(store.NEW)", "main").endswith("changed\n")


def test_a_source_that_is_gone_is_not_there(library: Path) -> None:
    os.unlink(library / "mydocker/store.py")
    program = "\ntry: from mydocker import store\nexcept ImportError: print('gone')"
    assert told(library, program, "main").endswith("gone\n")


@pytest.mark.parametrize("damage", [b"", b"\xfb", None])
def test_a_damaged_file_is_as_none(library: Path, damage: bytes | None) -> None:
    [path] = (library / "mydocker/__pycache__").glob("main.*.frozen")
    path.write_bytes(path.read_bytes()[:1000] if damage is None else damage)
    assert told(library, "from mydocker.cli import main; print('works')", "main").endswith("works\n")


def test_a_file_that_cannot_be_read_is_as_none(library: Path) -> None:
    [path] = (library / "mydocker/__pycache__").glob("main.*.frozen")
    path.unlink()
    path.mkdir()
    assert told(library, "from mydocker.cli import main; print('works')", "main").endswith("works\n")


def test_a_package_may_lie_elsewhere_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a Debian package does, which is built in a directory of its own."""
    monkeypatch.setattr(freeze, "orders", lambda: {"main": ["mydocker.version"]})
    monkeypatch.setattr(freeze, "path_of", lambda name: f"{tmp_path}/{name}")
    freeze.write("/usr/lib/later")
    before, [(name, is_package, path, _, size, code)] = marshal.loads((tmp_path / "main").read_bytes())
    assert before == ""
    assert (name, is_package, path, size) == ("mydocker.version", False, "mydocker/version.py", (PACKAGE / "version.py").stat().st_size)
    assert code.co_filename == "/usr/lib/later/mydocker/version.py"


def test_a_program_without_a_file_is_none(written: Path) -> None:
    assert told(written, "print(frozen.load('nothing'), frozen.load('ps'), 'mydocker.cli.main' in sys.modules)") == "False True True\n"


@pytest.mark.parametrize(("changed", "before"), [("store.py", "start"), ("cli/__init__.py", "main")])
def test_what_follows_a_file_with_a_changed_source_works(library: Path, changed: str, before: str) -> None:
    """Packages may be missing then, which the modules of the next file are in."""
    with open(library / "mydocker" / changed, "a") as file:
        file.write("\n")
    for name in [name for name, first in freeze.AFTER.items() if first == before]:
        assert told(library, f"import {', '.join(freeze.PROGRAMS[name])}; print('works')", name).endswith("works\n")
