"""The one loop that executes plans."""

import errno
import os
import signal

import pytest

from mydocker.errors import StepFailed
from mydocker.steps.base import Run, Step, command, quote


class Note(Step):
    """Writes what happens to it into a list."""

    __slots__ = ("fails", "journal", "name")

    def __init__(self, journal: list[str], name: str, fails: str = "") -> None:
        self.journal = journal
        self.name = name
        self.fails = fails

    def apply(self) -> None:
        if self.fails == "apply":
            raise OSError(errno.EPERM, "Operation not permitted")
        self.journal.append(f"+{self.name}")

    def undo(self) -> None:
        if self.fails == "undo":
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.journal.append(f"-{self.name}")

    def describe(self) -> str:
        return f"note {self.name}"


def test_a_failure_names_the_step_and_carries_the_errno() -> None:
    journal: list[str] = []
    run = Run("monitor")
    with pytest.raises(StepFailed, match=r"^note b: Operation not permitted$") as caught:
        run.execute([Note(journal, "a"), Note(journal, "b", "apply"), Note(journal, "c")])
    assert caught.value.errno == errno.EPERM
    assert run.undo_all() == []
    assert journal == ["+a", "-a"]


def test_undo_goes_on_past_errors_and_reports_them() -> None:
    journal: list[str] = []
    run = Run("monitor")
    run.execute([Note(journal, "a"), Note(journal, "b", "undo"), Note(journal, "c")])
    assert [problem.message for problem in run.undo_all()] == ["undo note b: Device or resource busy"]
    assert journal == ["+a", "+b", "+c", "-c", "-a"]


def test_the_observer_hears_of_each_step() -> None:
    heard: list[tuple[str, str]] = []
    Run("init", lambda who, step, seconds: heard.append((who, step.describe()))).execute([Note([], "a"), Note([], "b")])
    assert heard == [("init", "note a"), ("init", "note b")]


@pytest.mark.parametrize(
    ("who", "crash", "survives"), [("init", "", False), ("init", "init", False), ("init", "monitor", True), ("cli", "init", True)]
)
def test_a_crash_can_be_injected_after_a_step(who: str, crash: str, survives: bool) -> None:
    child = os.fork()
    if child == 0:
        Run(who, None, [(crash, 2, 0)]).execute([Note([], "a"), Note([], "b"), Note([], "c")])
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == (0 if survives else -signal.SIGKILL)


def test_a_failure_can_be_injected_in_place_of_a_step() -> None:
    journal: list[str] = []
    run = Run("init", None, [("init", 2, errno.ENOSPC), ("cli", 1, errno.EIO)])
    steps = [Note(journal, name) for name in "abc"]
    with pytest.raises(StepFailed, match=r"^note b: No space left on device$") as caught:
        run.execute(steps)
    assert caught.value.errno == errno.ENOSPC
    run.execute(steps[1:])  # it fails once, as a full disk may
    assert run.undo_all() == []
    assert journal == ["+a", "+b", "+c", "-c", "-b", "-a"]


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("a", "a"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's", "'it'\"'\"'s'"),
        ("$x", "'$x'"),
        ("/a-b_c.d:e=f,g", "/a-b_c.d:e=f,g"),
        ("é", "'é'"),
    ],
)
def test_words_are_quoted_for_the_shell(word: str, quoted: str) -> None:
    assert quote(word) == quoted
    assert command("echo", word) == f"echo {quoted}"
