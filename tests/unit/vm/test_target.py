"""vm/target.py: where the integration tests run."""

from pathlib import Path

import pytest
import remote
import sshconfig
import target
from target import NoTarget, choose, configuration


@pytest.mark.parametrize(
    ("asked", "up", "is_root", "chosen"),
    [
        ("", [], True, "local"),
        ("", ["v2"], True, "v2"),
        ("", ["v2", "aufs"], False, "aufs"),
        ("local", ["aufs"], True, "local"),
        ("elsewhere", ["aufs"], False, "elsewhere"),
    ],
)
def test_a_machine_that_is_up_comes_before_this_one(asked: str, up: list[str], is_root: bool, chosen: str) -> None:
    assert choose(asked, up, is_root) == chosen


@pytest.mark.parametrize("asked", ["", "local"])
def test_without_root_it_is_said_what_to_do(asked: str) -> None:
    with pytest.raises(NoTarget, match="sudo tox -e integration, or a machine of their own: cd vm && vagrant up"):
        choose(asked, [], False)


def test_whose_ssh_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(sshconfig, "write", lambda machines, output: written.append((machines, output)))
    assert configuration("aufs", "given", ["aufs"]) == ["-S", "given"]
    assert configuration("elsewhere", "", ["aufs"]) == []
    assert written == []
    assert configuration("aufs", "", ["aufs"]) == ["-S", str(sshconfig.OUTPUT)]
    assert written == [(["aufs"], sshconfig.OUTPUT)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "-n auto --dist worksteal tests/integration"),
        (["-k", "exec"], "-k exec tests/integration"),
        (["-x", "tests/unit/vm"], "-x tests/unit/vm"),
    ],
)
def test_what_is_run_here(monkeypatch: pytest.MonkeyPatch, given: list[str], expected: str) -> None:
    """`tox -e integration -- -k exec` ran the unit tests of that name."""
    ran: list[tuple[list[str], str]] = []

    def here(tests: list[str], storage: str) -> int:
        ran.append((tests, storage))
        return 7

    monkeypatch.setattr("target.here", here)
    monkeypatch.setattr("sys.argv", ["target.py", "--target", "local", "--storage", "vfs", *given])
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert target.main() == 7
    assert ran == [(expected.split(), "vfs")]


@pytest.mark.parametrize(("prepared", "tested", "tasks"), [(0, 0, "sync test"), (0, 5, "sync test collect"), (3, 0, "sync")])
def test_what_is_done_there(monkeypatch: pytest.MonkeyPatch, prepared: int, tested: int, tasks: str) -> None:
    done: list[str] = []

    class Result:
        def __init__(self, returncode: int) -> None:
            self.returncode = returncode

    def run(command: list[str]) -> Result:
        done.append(command[command.index("aufs") + 1])
        return Result({"sync": prepared, "test": tested}.get(done[-1], 0))

    monkeypatch.setattr("target.subprocess.run", run)
    assert target.there("aufs", [], ["tests/integration"], "1", "aufs") == (prepared or tested)
    assert done == tasks.split()


@pytest.mark.parametrize(
    ("machine", "asked", "driver"), [("aufs", "", "aufs"), ("aufs", "vfs", "vfs"), ("v2", "", ""), ("v2", "vfs", "vfs")]
)
def test_the_machine_for_aufs_tests_aufs(machine: str, asked: str, driver: str) -> None:
    assert remote.storage_of(machine, asked) == driver
    line = remote.pytest_line("", factor="1", seconds=1, prefix="/usr/local", storage=driver)
    assert (f"MYDOCKER_STORAGE_DRIVER={driver}" in line) == bool(driver)
