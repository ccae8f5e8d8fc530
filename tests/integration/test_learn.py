"""The lessons of `mydocker learn`: right answers pass, wrong ones get their hint, what a page prints is what comes, and nothing is left."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from conftest import Machine, Result, Terminal, wait_until

from mydocker.learn import lessons, page
from mydocker.learn.lessons import Lesson
from mydocker.learn.machine import this_machine
from mydocker.learn.scene import nobody
from mydocker.paths import Paths
from mydocker.reasons import LANGUAGES

SCRIPTS = [(lesson, path) for lesson in lessons.every() for path in sorted(Path(lesson.directory).glob("**/*.sh"))]
RIGHT = [(lesson, path) for lesson, path in SCRIPTS if path.parent.name != "wrong"]
WRONG = [(lesson, path) for lesson, path in SCRIPTS if path.parent.name == "wrong"]
NAMES = {LANGUAGES[0]: "hint: ", LANGUAGES[1]: "提示："}


# An emulated processor takes 20 seconds for an answer. So on other kernels the first answers of these lessons are tried: what they look
# at differs with the kernel and the version of cgroups. HACKING.md says how all are tried there.
RIGHT_ON_EACH_KERNEL, WRONG_ON_EACH_KERNEL = (0, 3, 6, 18), (3, 6)


def chosen(pairs: list[tuple[Lesson, Path]], on_each_kernel: tuple[int, ...]) -> list[ParameterSet]:
    """Return the answers as parameters. on_each_kernel: the lessons of which the first one is marked"""
    first = {lesson.number: path for lesson, path in reversed(pairs) if lesson.number in on_each_kernel}
    marks = {path: [pytest.mark.kernel] for path in first.values()}
    return [pytest.param(lesson, path, marks=marks.get(path, []), id=f"{lesson.number}-{path.stem}") for lesson, path in pairs]


class Learner:
    """Somebody who types in the lab. Messages of other programs are English, whatever language the lessons are in."""

    def __init__(self, machine: Machine, *programs: str) -> None:
        self.machine = machine
        path = ":".join([*map(os.path.dirname, programs), os.environ["PATH"]])
        self.environment = {"XDG_STATE_HOME": f"{machine.directory}/state-home", "PATH": path, "LC_ALL": "C"}

    def __call__(self, *words: str, stdin: str = "") -> Result:
        return self.machine("learn", *words, env=self.environment, stdin=stdin)

    def types(self, script: str) -> Result:
        """Run a script in the lab. What it leaves running holds its output open, so that is a file."""
        self.machine.sh(f"cat > typed <<'END_OF_TYPED'\n{script}\nEND_OF_TYPED")
        line = f"env {self._variables} {self.machine.command} learn shell < typed > printed 2> told"
        return self.machine.sh(f"{line}; code=$?; cat printed; cat told >&2; exit $code")

    @property
    def _variables(self) -> str:
        return " ".join(f"{name}={shlex.quote(value)}" for name, value in {**self.machine.environment, **self.environment}.items())


@pytest.fixture
def learner(mydocker: Machine, program: str, runtime_program: str) -> Iterator[Learner]:
    made = Learner(mydocker, program, runtime_program)
    yield made
    result = made("reset")
    assert (result.rc, result.stdout, result.stderr) == (0, "", "")


def lacking(lesson: Lesson, answer: str = "") -> str:
    """Return what this machine lacks for a lesson's exercise and for an answer that says `# needs: WORD...` at its top, '' if nothing."""
    also = re.match("(?:#.*\n)*?# needs: (.*)", answer)
    words = [*lesson.checked().NEEDS, *(also[1].split() if also else [])]
    return ", ".join(word for word in words if not this_machine(Paths()).has(word))


@pytest.mark.parametrize(("lesson", "path"), chosen(RIGHT, RIGHT_ON_EACH_KERNEL))
def test_a_right_answer_passes(learner: Learner, lesson: Lesson, path: Path) -> None:
    if missing := lacking(lesson, path.read_text()):
        pytest.skip(f"this machine lacks {missing}")
    typed = learner.types(path.read_text())
    number = str(lesson.number)
    told: list[Result] = []

    def passes() -> bool:
        told.append(learner("check", number))
        return told[-1].rc == 0

    try:
        wait_until(passes)
    except pytest.fail.Exception:
        pytest.fail(told[-1].stdout + told[-1].stderr + typed.stderr)
    assert "✗" not in told[-1].stdout
    assert f"{lesson.number:3} ✓ " in learner().stdout


@pytest.mark.parametrize(("lesson", "path"), chosen(WRONG, WRONG_ON_EACH_KERNEL))
def test_a_wrong_answer_fails_with_its_hint(learner: Learner, lesson: Lesson, path: Path) -> None:
    if missing := lacking(lesson, path.read_text()):
        pytest.skip(f"this machine lacks {missing}")
    learner.types(path.read_text())
    for language in LANGUAGES:
        line = re.search(f"^# {language}: (.*)$", path.read_text(), re.MULTILINE)
        assert line
        wanted = f"    {NAMES[language]}"

        def hinted(language: str = language, words: str = line[1], wanted: str = wanted) -> bool:
            result = learner("check", str(lesson.number), "--lang", language)
            assert result.rc == 1, "a wrong answer passes, if only for a moment"
            if f"✗ {nobody(lesson.name).sentence.to(language)}" in result.stdout:
                learner.types(path.read_text())  # a check can end what it looks at
            return any(each.startswith(wanted) and words in each for each in result.stdout.splitlines())

        wait_until(hinted, 20)


def normal(text: str) -> str:
    """Return a line without what differs from one time to the next: pids, inode numbers, ids, who it is that says Killed."""
    text = re.sub(r"^bash: line [0-9]+: +[0-9]+ Killed .*", "Killed", text)
    return re.sub(r"\b([0-9a-f]{8,64}|[0-9]{3,})\b", "N", text).rstrip()


def agree(expected: list[str], found: list[str]) -> bool:
    """Say whether the lines that came are those of the page, where a line `...` stands for any."""
    if not expected or expected[0] != "...":
        return expected[:1] == found[:1] and (not expected or agree(expected[1:], found[1:]))
    return agree(expected[1:], found) or (bool(found) and agree(expected, found[1:]))


def commands(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (command, the lines that it prints) of a block of code."""
    command, printed = "", list[str]()
    for line in lines:
        if line.startswith("> "):
            command += "\n" + line[2:]
        elif line.startswith("# "):
            if command:
                yield command, printed
            command, printed = line[2:], []
        else:
            printed.append(normal(line))
    yield command, printed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lesson", lessons.every(), ids=lambda lesson: str(lesson.number))
def test_what_a_page_prints_is_what_comes(learner: Learner, lesson: Lesson, language: str) -> None:
    if lacking(lesson):
        pytest.skip(f"this machine lacks {lacking(lesson)}")
    every = [each for block in page.blocks(lesson.page(language), this_machine(Paths())) for each in commands(block)]
    typed = learner.types("exec 2>&1\n" + "".join(f"{command}\necho @@@\n" for command, _ in every))
    answers = typed.stdout.split("@@@\n")[:-1]
    assert len(answers) == len(every), typed.stdout
    for (command, expected), answer in zip(every, answers, strict=True):
        found = [normal(line) for line in answer.splitlines()]
        assert agree(expected, found), (command, expected, found)


def test_the_lab_is_a_machine_of_its_own(learner: Learner) -> None:
    script = """
        hostname
        ls -d /sys/class/net/* | wc -l > /dev/null; ip -brief link | wc -l
        grep -c . /run/passes-out 2>/dev/null; touch /run/passes-out
        mount -t tmpfs x /mnt && ip link add br9 type bridge && hostname other && ipcmk -Q > /dev/null && echo changed
        cut -d: -f3 /proc/self/cgroup | sort -u
        mydocker run --rm busybox echo contained
    """
    before = learner.machine.snapshot(), learner.machine.sh("hostname; ipcs -q; ls /run").stdout
    assert learner.types(script).stdout == "lab\n1\nchanged\n/shell\ncontained\n"
    assert learner("reset").rc == 0
    assert not learner.machine.left_since(before[0])
    assert learner.machine.sh("hostname; ipcs -q; ls /run").stdout == before[1]


def test_two_shells_are_in_the_same_lab_and_reset_ends_both(learner: Learner) -> None:
    show = "readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/uts\n"
    assert learner.types(show).stdout == learner.types(show).stdout
    learner.types("setsid sleep 1000.25 &")
    assert learner.machine.sh("pgrep -f '^sleep 1000.25'").rc == 0
    assert learner("reset").rc == 0
    assert learner.machine.sh("pgrep -f '^sleep 1000.25'").rc == 1


def test_no_process_can_take_more_than_the_lab_has(learner: Learner, needs_controllers: None) -> None:
    assert learner.types("tail /dev/zero; echo $?").stdout == "137\n"
    bomb = "for i in $(seq 700); do sleep 1000.5 & done"
    assert "Cannot fork" in learner.types(f"dash -c '{bomb}'").stderr
    # Those that were forked become sleep one after the other.
    learner.machine.wait_until(lambda: 400 < int(learner.machine.sh("pgrep -fc '^sleep 1000.5'").stdout) < 512)


def test_reset_in_the_lab_says_why_not(learner: Learner) -> None:
    result = learner.types("mydocker learn reset")
    assert result.rc == 1
    assert result.stderr == "mydocker: this shell is in the lab that is to be removed\nhint: leave it first: exit\n"


def test_reset_says_what_it_cannot_remove_and_removes_all_else(learner: Learner) -> None:
    learner.types("mkdir stuck other; sleep 1000.375 &")
    stuck = str(Path(learner.environment["XDG_STATE_HOME"], "mydocker", "learn", "lab", "work", "stuck"))
    assert learner.machine.sh(f"mount -t tmpfs stuck {stuck}").rc == 0
    result = learner("reset")
    left = learner.machine.sh("pgrep -f '^sleep 1000[.]375'; find /sys/fs/cgroup -name 'mydocker-learn-*'").stdout
    assert learner.machine.sh(f"umount {stuck}").rc == 0
    assert (result.rc, result.stderr, left) == (1, f"mydocker: {stuck}: Device or resource busy\n", "")


def test_a_lab_whose_keeper_was_killed_is_removed_by_the_next(learner: Learner) -> None:
    learner.types("sleep 1000.75 &")
    kept = Path(learner.environment["XDG_STATE_HOME"]) / "mydocker/learn/lab.json"
    os.kill(json.loads(kept.read_text())["pid"], 9)  # by its pid: other labs are on this machine
    wait_until(lambda: learner("check", "3").stderr.startswith("mydocker: the lab is closed"))
    assert learner("check", "3", "--lang", "zh").stderr == "mydocker: 实验室没有打开，没有什么可检查\n提示：mydocker learn shell\n"
    assert learner.types("hostname").stdout == "lab\n"
    assert learner.machine.sh("pgrep -f '^sleep 1000.75'").rc == 1


def test_watch_goes_on_when_an_exercise_is_done(learner: Learner) -> None:
    first = lessons.every()[0]
    learner("0")
    learner.types("true")
    words = f"exec {learner.machine.command} learn watch {first.number}"
    environment = {**os.environ, **learner.environment, **learner.machine.environment}
    with Terminal(["sh", "-c", words], environment, (60, 100)) as terminal:
        terminal.expect("✗")
        learner.types((Path(first.directory) / "solve.sh").read_text())
        following = lessons.after(first)
        assert following
        terminal.expect(f"mydocker learn {following.number}")
        terminal.expect(following.title("en"))


def test_hints_say_more_each_time_and_the_last_is_an_answer_that_passes(learner: Learner) -> None:
    told = [learner("hint", "3").stdout for _ in range(4)]
    assert [each[:3] for each in told] == ["1/3", "2/3", "3/3", "3/3"]
    answer = "".join(line[4:] + "\n" for line in told[3].splitlines()[1:])
    learner.types(answer)
    wait_until(lambda: learner("check", "3").rc == 0)


def test_a_lesson_on_a_terminal_ends_in_the_labs_shell(learner: Learner) -> None:
    environment = {**os.environ, **learner.environment, **learner.machine.environment}
    with Terminal([learner.machine.command, "learn", "3", "--lang", "en"], environment, (60, 100)) as terminal:
        terminal.expect("3. The first process")
        terminal.expect("You are in the lab")
        terminal.send("env LESSON=pid unshare --pid --fork --mount-proc sleep 1000 &\n")
        terminal.send("mydocker learn check\n")
        terminal.expect("nothing has ended in there yet")
        terminal.send("mydocker learn 4 | head -n 1; exit\n")
        terminal.expect("4. A root of its own")
        terminal.expect("2 processes go on in the lab")
        assert terminal.wait() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_show_prints_the_steps_of_each_lesson_with_reason_and_place(learner: Learner, language: str) -> None:
    before = learner.machine.snapshot()
    for lesson in lessons.every():
        told = learner("show", str(lesson.number), "--lang", language)
        assert told.rc == 0, told.stderr
        assert re.search(r"^      │ mydocker/[a-z_/]+\.py:[0-9]+$", told.stdout, re.MULTILINE), (lesson, told.stdout)
        assert bool(re.search("[\u4e00-\u9fff]", told.stdout)) == (language == "zh")
    assert not learner.machine.left_since(before)
