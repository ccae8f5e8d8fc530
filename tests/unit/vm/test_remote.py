"""vm/remote.py: the shell lines that fabfile.py runs."""

import shlex
import subprocess
from pathlib import Path

import pytest
import remote


def test_pytest_runs_against_the_installed_command_and_ends() -> None:
    line = remote.pytest_line("tests/integration/test_run.py -k 'a or b'", factor="10", seconds=60, prefix="/opt/my docker")
    assert shlex.split(line) == [
        *("cd", "mydocker", "&&", "MYDOCKER_COMMAND=/opt/my docker/bin/mydocker", "MYDOCKER_TEST_TIMEOUT_FACTOR=10"),
        *("timeout", "--kill-after=30", "60", "/opt/my docker/lib/mydocker/tests/bin/python", "-m", "pytest", "-q"),
        *("--junitxml=/tmp/mydocker-results.xml", "tests/integration/test_run.py", "-k", "a or b"),
    ]


def test_pytest_arguments_are_no_shell() -> None:
    line = remote.pytest_line("-k '$(reboot)'", factor="1; reboot", seconds=1, prefix="/usr/local")
    assert "MYDOCKER_TEST_TIMEOUT_FACTOR='1; reboot'" in line and line.endswith("-k '$(reboot)' tests/integration")


def test_what_is_made_from_the_tree_stays_here(tmp_path: Path) -> None:
    tree = tmp_path / "a tree"
    for name in (
        "mydocker/a.py",
        "mydocker/__pycache__/a.pyc",
        ".git",
        "vm/.vagrant/machines",
        "vm/ssh-config",
        "tests/build/new",
        "build/lib",
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    subprocess.run(remote.pack_line(tree, f"{tmp_path}/tree.tar.gz"), shell=True, check=True)
    listed = subprocess.run(["tar", "-tzf", tmp_path / "tree.tar.gz"], check=True, capture_output=True, text=True).stdout.splitlines()
    assert {name for name in listed if not name.endswith("/")} == {"./mydocker/a.py", "./tests/build/new"}


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "$(reboot)"])
def test_a_recording_has_a_plain_name(tmp_path: Path, name: str) -> None:
    assert remote.recording_path(tmp_path, "focal-v1").name == "focal-v1.txt"
    with pytest.raises(ValueError, match=r"^recording .*: expected a name of small letters"):
        remote.recording_path(tmp_path, name)


@pytest.mark.parametrize("text", ["", "/proc/a\n", "proc/a ''\n", "/proc/a 5\n", "/proc/a 'x\n", "Traceback (most recent call last):\n"])
def test_only_a_recording_is_kept(text: str) -> None:
    with pytest.raises(ValueError, match=r"^recording, line 1 .*: expected a path and a string$"):
        remote.check_recording(text)


def test_the_recorder_runs_where_it_was_copied(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/record.py").write_text("print('/proc/x', repr('1'))")
    subprocess.run(remote.record_line(f"{tmp_path}/a b"), shell=True, check=True)
    assert remote.check_recording((tmp_path / "a b/recording").read_text()) == "/proc/x '1'\n"
