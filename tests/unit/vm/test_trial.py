"""vm/trial.py: its steps end, one way or another; the trial itself is `tox -e vagrant`."""

from pathlib import Path
from time import monotonic

import pytest
import trial
from privatelibvirt import Failed
from trial import Trial

from mydocker.cgroups.group import wait_until
from mydocker.kernel.tasks import start_time


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A trial with its results in a directory of the test."""
    monkeypatch.setattr(trial, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Trial(tmp_path, ["a test"], emulated=True)


def test_a_step_that_fails_says_how(one: Trial) -> None:
    with pytest.raises(Failed, match=r"^greet failed with exit status 3$"):
        one.step("greet", ["sh", "-c", "exit 3"], 10)
    assert [name for name, _ in one.times] == ["greet"]


def test_a_step_has_a_deadline_and_leaves_no_process(one: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "FACTOR", 1)
    with pytest.raises(Failed, match=r"^greet did not end within 0\.5 s$"):
        one.step("greet", ["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"], 0.5)
    pid = int((tmp_path / "pid").read_text())
    # Killed is not yet gone; a zombie's parent has not looked.
    assert wait_until(lambda: start_time(pid) is None, monotonic() + 10)


def test_vagrant_sees_nothing_of_the_users_own(one: Trial, tmp_path: Path) -> None:
    for variable in ("VAGRANT_HOME", "VAGRANT_DOTFILE_PATH"):
        assert Path(one.environment[variable]).is_relative_to(tmp_path)


def test_steps_of_a_whole_trial(one: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(one, "step", lambda name, command, seconds: steps.append((name, command)))
    one.run()
    one.end()
    assert [name for name, _ in steps] == [
        *("vagrant validate", "vagrant up", "ssh-config", "fab sync", "fab provision", "fab test", "vagrant halt", "vagrant destroy")
    ]
    test = dict(steps)["fab test"]
    assert test[test.index("--pytest") + 1] == "'a test'"
    assert float(test[test.index("--factor") + 1]) == trial.FACTOR * trial.EMULATED


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PACKAGES", {"sh": "dash", "no-such-command": "one two"})
    assert trial.missing_packages() == ["one two"]


def test_a_second_trial_at_the_same_time_is_refused(one: Trial) -> None:
    scratch = trial.prepare()
    (scratch / "left").touch()
    with pytest.raises(Failed, match="another trial is running"):
        trial.prepare()
    assert (scratch / "left").exists()


def test_what_an_earlier_trial_left_is_removed(one: Trial, tmp_path: Path) -> None:
    left = tmp_path / "cache/mydocker-vm/trial/libvirtd.log"
    left.parent.mkdir(parents=True)
    left.touch()
    assert list(trial.prepare().iterdir()) == []
    assert trial.RESULTS.is_dir()
