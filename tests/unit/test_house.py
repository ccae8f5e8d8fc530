"""The house rules that a machine can check: who imports whom, what stays light, how files look."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "mydocker"
# The two programs of lesson 18 stand by themselves, as a learner's own does.
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in ("container.py", "solution.py"))

COMMON = {
    "errors",
    "explaining",
    "freeze",
    "frozen",
    "given",
    "leanjson",
    "messages",
    "native",
    "numberlist",
    "objectlock",
    "paths",
    "program",
    "reasons",
    "shape",
    "store",
    "whole",
    "width",
}
COMMON |= {"tarreader", "tracebacks", "value", "version"}
ENGINE_USES = {"runtime", "images", "network", "storage", "cgroups", "steps", "kernel"}
MAY_IMPORT = {
    "kernel": {"errors"},
    "steps": {"kernel"},
    "cgroups": {"steps", "kernel"},
    "storage": {"steps", "kernel"},
    "images": {"steps", "kernel"},
    "network": {"steps", "kernel"},
    "runtime": {"cgroups", "steps", "kernel"},
    "oci": {"runtime", "cgroups", "steps", "kernel"},
    "engine": ENGINE_USES,
    "api": {"engine", *ENGINE_USES},
    "learn": {"cgroups", "steps", "kernel"},
    "cli": {"learn", "api", "engine", *ENGINE_USES},
}

# The engine's rooms, the highest floor first. A room uses only rooms of the floors below its own.
FLOORS = (
    {"build", "system"},
    {"view"},
    {"container"},
    {"monitor"},
    {"connection", "volume", "transfer"},
    {"request", "catalog"},
    {"record"},
)

LIGHT = "kernel steps cgroups storage network runtime oci store engine.monitor.monitor engine.monitor.foreign"
FORBIDDEN = (
    "typing dataclasses re json socket signal enum subprocess contextlib tempfile shutil pathlib logging tarfile hashlib click pyroute2"
)


def module(path: Path) -> str:
    """Return a file's name as imports write it: 'mydocker.engine.record.log'."""
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)


NAMES = {module(path) for path in MODULES}


def imports(path: Path) -> set[str]:
    """Return the mydocker modules that a file imports anywhere: at its top, in functions, for annotations only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mydocker"):
            found |= {name if name in NAMES else str(node.module) for name in (f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("mydocker")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports_follow_the_house(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    allowed = {"cli"} if parts[0] == "__main__.py" else set() if len(parts) == 1 else {parts[0]} | MAY_IMPORT[parts[0]]
    assert {name.split(".")[1] for name in imports(path)} <= COMMON | allowed


def test_rooms_use_only_the_floors_below() -> None:
    rooms = {path.parent.name for path in (PACKAGE / "engine").glob("*/*.py")}
    assert rooms == set().union(*FLOORS)
    for number, floor in enumerate(FLOORS):
        below = set().union(*FLOORS[number + 1 :])
        for path in [path for room in floor for path in (PACKAGE / "engine" / room).glob("*.py")]:
            used = {name.split(".")[2] for name in imports(path) if name.startswith("mydocker.engine.")}
            assert used <= below | {path.parent.name}, path


def test_no_room_has_the_name_of_a_package() -> None:
    assert not set().union(*FLOORS) & {path.name for path in PACKAGE.iterdir()}


def test_nothing_imports_itself_by_way_of_others() -> None:
    uses = {module(path): imports(path) for path in MODULES}
    # Whatever uses nothing that is left is in no circle; what remains when there is none such is one.
    while free := [name for name, used in uses.items() if not used & uses.keys()]:
        for name in free:
            del uses[name]
    assert not uses


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_files_are_short_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text()
    if path.name == "__init__.py":
        assert text == ""
        return
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 300


def test_only_cli_imports_click_only_api_h11_and_only_kernel_ctypes() -> None:
    for path in MODULES:
        where = path.relative_to(PACKAGE).parts[0]
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]):
                assert words[1].split(".")[0] != "click" or where == "cli", path
                assert words[1].split(".")[0] not in ("h11", "wsproto") or where == "api", path
                assert words[1].split(".")[0] != "ctypes" or where == "kernel", path


def loaded(program: str) -> set[str]:
    """Return the top-level modules that a lean interpreter has after a program."""
    return {name.split(".")[0] for name in loaded_whole(program)}


def loaded_whole(program: str) -> set[str]:
    """Return the modules that a lean interpreter has after a program, by their whole names."""
    libraries = [str(REPOSITORY), str(Path(click.__file__).parents[1])]
    code = f"import sys; sys.path[:0] = {libraries!r}; {program}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def lean_modules() -> list[str]:
    """Return the modules of the monitor and init: all that engine.monitor imports, and what those packages hold besides."""
    heavy = {"unpack", "pack", "packdiff", "libseccomp", "seccomp_rules", "enosys"}
    names = []
    for path in MODULES:
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        light = name.split(".")[0] in LIGHT.split() or name in LIGHT.split()
        if light and path.name != "__init__.py" and name.split(".")[-1] not in heavy:
            names.append(f"mydocker.{name}")
    return names


@pytest.mark.parametrize("name", lean_modules())
def test_the_monitor_and_init_stay_light(name: str) -> None:
    assert not loaded(f"import {name}") & set(FORBIDDEN.split())


EVERY_DAY = "ps run exec start stop logs inspect rm images kill wait create restart rename attach pause port"


@pytest.mark.parametrize("verb", EVERY_DAY.split())
def test_the_verbs_of_every_day_stay_light(verb: str) -> None:
    found = loaded(f"import mydocker.cli.entry; from mydocker.cli.main import mydocker; mydocker.member({verb!r})")
    assert not found & {"click", "inspect", "re", "typing", "json", "enum", "collections", "functools", "contextlib", "subprocess"}


@pytest.mark.parametrize("verb", ["ps", "stop", "kill", "pause", "wait", "logs", "rm"])
def test_what_only_looks_or_signals_knows_nothing_of_how_networks_are_made(verb: str) -> None:
    found = loaded_whole(f"import mydocker.cli.entry; from mydocker.cli.main import mydocker; mydocker.member({verb!r})")
    makers = ("network.firewall", "network.bridge", "steps.links", "runtime.plan", "kernel.process")
    assert not found & {f"mydocker.{name}" for name in makers}


def test_cp_takes_no_more_than_its_tar() -> None:
    found = loaded("import mydocker.cli.entry; from mydocker.cli.main import mydocker; mydocker.member('cp')")
    assert not (found - loaded("import tarfile, typing")) & {"click", "inspect", "json", "hashlib", "subprocess"}


def test_a_build_asks_no_registry_before_it_has_to() -> None:
    found = loaded("import mydocker.cli.entry; from mydocker.cli.main import mydocker; mydocker.member('build')")
    assert not found & {"click", "urllib3", "ssl", "http", "email"}


def test_a_build_imports_what_makes_layers_only_when_a_step_is_not_cached() -> None:
    program = "import mydocker.cli.entry; from mydocker.cli.main import mydocker; mydocker.member('build')"
    heavy = "re json enum signal socket subprocess contextlib collections functools copy csv tarfile tempfile shutil hashlib typing"
    assert not loaded(program) & set(heavy.split())
    makers = ("engine.container", "engine.monitor", "engine.connection", "engine.build.workplace", "network", "cgroups", "storage")
    assert not loaded_whole(program) & {f"mydocker.{name}" for name in makers}


def test_the_service_answers_before_it_imports_what_few_ask_for() -> None:
    heavy = {"click", "urllib3", "ssl", "subprocess", "asyncio", "tarfile", "hashlib", "pyroute2", "http", "email"}
    assert not loaded("import mydocker.api.service, mydocker.api.listening, mydocker.api.system") & heavy
    asked_often = "containers life streams wait create exec"
    for name in asked_often.split():
        assert not loaded(f"import mydocker.api.{name}") & {"click", "urllib3", "ssl", "asyncio", "pyroute2", "http", "email"}, name


def test_no_path_of_a_workplace_is_in_the_tree() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True)
    names = listed.stdout.split("\0")[:-1] if listed.returncode == 0 else [str(path.relative_to(REPOSITORY)) for path in MODULES]
    words = [word for word in ("/" + "work/", "/" + "root/.", os.environ.get("PIP_INDEX_URL")) if word]
    for name in names:
        if name.startswith("tests/data/dockerfiles/"):
            continue  # these are paths of containers
        text = (REPOSITORY / name).read_text(errors="replace")
        assert not any(word in text for word in words), name
