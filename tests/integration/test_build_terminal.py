"""build on a terminal: --progress tty and auto, on a pty, with a small terminal that shows what is on the screen."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from builds import Builds
from screens import Screen
from test_build_stages import ENDLESS, MEET, MEETING, waiting_for

TIME = r" +\d+\.\ds"


@pytest.fixture(autouse=True)
def terminal_that_can_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def screen_of(written: str, columns: int = 80) -> list[str]:
    """Return the lines of a terminal on which this was written."""
    screen = Screen(columns)
    screen.write(written.replace("^C", ""))
    return screen.text.split("\n")


def built(build: Builds, dockerfile: str, *flags: str, status: int = 0, size: tuple[int, int] = (24, 80)) -> list[str]:
    """Return what is on the terminal after a build."""
    build.file("Dockerfile", dockerfile)
    with build.mydocker.terminal("build", "--network", "none", *flags, f"{build.mydocker.directory}/ctx", size=size) as terminal:
        assert terminal.wait(60) == status, terminal.seen
        return screen_of(terminal.seen, size[1])


def check(lines: list[str], patterns: list[str]) -> None:
    """Check that each line is as a pattern says."""
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), lines


def test_steps_and_their_times(build: Builds) -> None:
    dockerfile = "FROM busybox\nENV A=b\nRUN echo said; echo no >&2\nCMD x\n"
    check(
        built(build, dockerfile, "-t", "made:1"),
        [
            r" => \[1/4\] FROM busybox" + TIME,
            r" => \[2/4\] ENV A=b" + TIME,
            r" => \[3/4\] RUN echo said; echo no >&2" + TIME,
            r" => \[4/4\] CMD x" + TIME,
            r"\[\+\] Building \d+\.\ds \(4/4\) FINISHED",
            r"Successfully built [0-9a-f]{12}",
            r"Successfully tagged made:1",
            "",
        ],
    )
    again = built(build, dockerfile, "--progress", "tty", size=(24, 40))
    assert [line[:18] for line in again[1:4]] == [" => CACHED [2/4] E", " => CACHED [3/4] R", " => CACHED [4/4] C"]
    assert all(len(line) == 39 for line in again[:4])


def test_the_last_lines_of_a_step_are_shown_while_it_runs_and_are_cut(build: Builds) -> None:
    build.mydocker("builder", "prune", "-f")
    build.file("Dockerfile", f"FROM busybox\nRUN {MEETING} seq 99; echo {'x' * 60}; printf 'half\\r50%%'; {waiting_for('go')}\n")
    with build.mydocker.terminal("build", "--network", "none", f"{build.mydocker.directory}/ctx", size=(24, 50)) as terminal:
        terminal.until(lambda seen: "# 50%" in seen)
        begun = terminal.seen
        terminal.resize(24, 40)
        build.mydocker.sh("for each in root/caches/*/*/data; do touch $each/go; done")
        assert terminal.wait(60) == 0
    drawn = " => [2/2]" + begun[: begun.rindex("# 50%") + 5].rpartition(" => [2/2]")[2]
    lines = drawn.split("\r\n")
    assert lines[1:] == [*(f" => => # {number}" for number in range(96, 100)), " => => # " + "x" * 40, " => => # 50%"]
    assert len(lines[0]) == 49 and "Step" not in begun


def test_a_failure_shows_the_whole_output_and_the_line(build: Builds) -> None:
    lines = built(build, "FROM busybox\nRUN seq 50; echo what >&2; exit 3\nRUN true\n", status=1)
    assert lines[2:] == [
        "------",
        " > [2/3] RUN seq 50; echo what >&2; exit 3:",
        *map(str, range(1, 51)),
        "what",
        "------",
        "Dockerfile:2",
        "--------------------",
        "   1 |     FROM busybox",
        "   2 | >>> RUN seq 50; echo what >&2; exit 3",
        "   3 |     RUN true",
        "   4 |",
        "--------------------",
        lines[-4],
        "mydocker: Dockerfile:2: RUN seq 50; echo what >&2; exit 3: the command '/bin/sh",
        lines[-2],
        "",
    ]
    assert re.fullmatch(r" => ERROR \[2/3\] RUN seq 50; echo what >&2; exit 3" + TIME, lines[1])
    assert re.fullmatch(r"\[\+\] Building \d+\.\ds \(1/3\) ERROR", lines[-4]) and lines[-2].endswith("returned a non-zero code: 3")


def test_two_stages_run_at_once(build: Builds) -> None:
    build.mydocker("builder", "prune", "-f")
    lines = built(build, MEET, "--build-arg", "NONE=1", "-t", "made:1")
    titles = {re.sub(TIME, "", line) for line in lines}
    assert {" => [one 1/8] FROM busybox AS one", " => [two 4/8] FROM busybox AS two", " => [3 6/8] FROM busybox"} <= titles
    assert "[Warning] build-arg NONE was not consumed" in lines
    assert build.run("cat /all") == "1\ntwo\n"


def test_ctrl_c_leaves_nothing_half_drawn(build: Builds) -> None:
    build.mydocker("builder", "prune", "-f")
    build.file("Dockerfile", ENDLESS)
    with build.mydocker.terminal("build", "--network", "none", f"{build.mydocker.directory}/ctx") as terminal:
        terminal.until(lambda seen: seen.rpartition("\x1b[J")[2].count("# both") == 2)
        before = terminal.seen
        terminal.send("\x03")
        assert terminal.wait() == 130
    last = terminal.seen.removeprefix(before).rpartition("\x1b[J")[2].split("\r\n")
    assert re.fullmatch(r" => CANCELED \[\w+ \d/7\] RUN .*", last[0]) and re.fullmatch(r" => CANCELED \[\w+ \d/7\] RUN .*", last[1])
    assert re.fullmatch(r"\[\+\] Building \d+\.\ds \(2/7\) CANCELED", last[2]) and last[3:] == [""]
    assert build.mydocker("ps", "-aq").stdout == "" and build.mydocker("system", "check").stdout == ""


def test_a_killed_build_ends_its_drawer(build: Builds) -> None:
    build.file("Dockerfile", "FROM busybox\nRUN echo begun; sleep 60\n")
    mydocker = build.mydocker
    with on_terminal(mydocker, f"{mydocker.prefixed} build --no-cache --network none ctx & echo $! > pid; wait $!; read never") as terminal:
        terminal.expect("# begun")
        mydocker.sh("kill -9 $(cat pid)")
        terminal.expect("CANCELED")
    for name in mydocker("ps", "-q").stdout.split():
        mydocker("rm", "-f", name)
    mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0)


def test_a_build_goes_on_without_its_drawer(build: Builds) -> None:
    build.mydocker("builder", "prune", "-f")
    build.file("Dockerfile", f"FROM busybox\nRUN {MEETING} echo begun; {waiting_for('go')}; echo > /done\n")
    mydocker = build.mydocker
    with on_terminal(mydocker, f"{mydocker.prefixed} build -t made:1 --network none ctx & echo $! > pid; wait $!") as terminal:
        terminal.expect("# begun")
        # The drawer is the one of the build's children that is no monitor: monitors have a session of their own.
        mydocker.sh("p=$(cat pid); kill -9 $(pgrep -P $p -s $(ps -o sid= -p $p))")
        mydocker.sh("for each in root/caches/*/*/data; do touch $each/go; done")
        assert terminal.wait(60) == 0
    assert build.run("ls /done") == "/done\n"


def test_what_scripts_read_is_what_it_was(build: Builds) -> None:
    build.file("Dockerfile", "FROM busybox\nRUN echo said\n")
    mydocker = build.mydocker
    command = f"{mydocker.prefixed} build --network none"
    script = f"{command} -q ctx > id; {command} --no-cache ctx > lines; {command} --progress plain ctx; {command} --progress tty ctx > last"
    with on_terminal(mydocker, script) as terminal:
        assert terminal.wait(60) == 0
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", mydocker.sh("cat id").stdout)
    assert mydocker.sh("cat lines").stdout.startswith("Step 1/2 : FROM busybox\n") and "\nsaid\n" in mydocker.sh("cat lines").stdout
    assert re.fullmatch(r"Successfully built [0-9a-f]{12}\n", mydocker.sh("cat last").stdout)
    assert "Step 2/2 : RUN echo said\r\n" in terminal.seen and terminal.seen.count("FINISHED") == 1


def on_terminal(mydocker: Any, script: str) -> Any:
    """Run a shell script on a terminal."""
    return type(mydocker.terminal("version"))(["sh", "-c", f"cd {mydocker.directory}; {script}"], dict(os.environ), (24, 80))


def test_without_a_terminal(build: Builds) -> None:
    refused = build("FROM busybox\nRUN touch /x\n", "--progress", "tty", rc=1)
    assert refused.stderr.startswith("mydocker: --progress tty: failed to get console: standard error is no terminal\n")
    assert build.mydocker("images", "-aq").stdout.count("\n") == 1
