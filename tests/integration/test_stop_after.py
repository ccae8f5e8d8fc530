"""--stop-after: a start waits with everything half made, goes on at Enter and at the end of the input, and is undone at Ctrl-C."""

from __future__ import annotations

import re

import pytest
from conftest import Machine

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths

GOES_ON = "Enter goes on"


@pytest.mark.parametrize(
    ("step", "who", "look"),
    [
        ("ClaimName", "cli", "ls -l"),
        ("unshare CLONE_NEWPID", "monitor", "/ns"),
        ("pivot_root", "init", "cat /proc/{pid}/mountinfo"),
        ("DropBoundingSet", "init", "Cap|"),
    ],
)
def test_a_start_waits_half_made_until_enter(mydocker: Machine, step: str, who: str, look: str) -> None:
    with mydocker.terminal("run", "--rm", "--network", "none", "--stop-after", step, "busybox", "echo", "it", "runs") as terminal:
        mydocker.wait_until(lambda: terminal._read(0.1) and GOES_ON in terminal.seen)
        pid = re.findall(rf"{who} \(pid ([0-9]+)\)", terminal.seen)[0]
        assert look.format(pid=pid) in terminal.seen and "it runs" not in terminal.seen
        assert mydocker.sh(f"cat /proc/{pid}/comm").rc == 0
        if step == "pivot_root":  # inside it is done, and outside nothing shows of it
            assert mydocker.sh(f"awk '{{print $5}}' /proc/{pid}/mountinfo").stdout.split()[0] == "/"
        terminal.send("\n")
        assert terminal.wait() == 0 and "it runs" in terminal.seen


@pytest.mark.parametrize("step", ["ClaimName", "MountOverlay", "unshare CLONE_NEWPID", "pivot_root", "capset"])
def test_ctrl_c_undoes_what_was_half_made(mydocker: Machine, step: str, storage: str) -> None:
    if step == "MountOverlay" and storage != "overlay":
        pytest.skip("the storage driver is not overlay")
    mydocker("run", "--rm", "--network", "none", "busybox", "true")
    before = mydocker.snapshot()
    with mydocker.terminal("run", "--rm", "--network", "none", "--stop-after", step, "busybox", "echo", "it", "runs") as terminal:
        terminal.expect(GOES_ON)
        terminal.send("\x03")
        assert terminal.wait() == 130 and "it runs" not in terminal.seen
    mydocker.wait_until(lambda: not mydocker.left_since(before))


def test_the_end_of_the_input_goes_on_and_so_does_the_end_of_the_client(mydocker: Machine) -> None:
    words = ["--network", "none", "--stop-after", "pivot_root", "busybox"]
    assert mydocker.sh(f"{{mydocker}} run --rm {' '.join(words)} echo done < /dev/null").stdout == "done\n"
    with mydocker.terminal("run", "--name", "web", *words, "sleep", "1000") as terminal:
        mydocker.wait_until(lambda: terminal._read(0.1) and GOES_ON in terminal.seen)
    # The terminal's end has killed the client.
    mydocker.wait_until(lambda: "Up" in mydocker("ps").stdout)
    mydocker("rm", "-f", "web")


def test_words_of_no_step_are_refused_before_anything_is_done(mydocker: Machine) -> None:
    before = mydocker.snapshot()
    for words in ("nonsense", "Exec", "execve"):
        refused = mydocker("run", "--stop-after", words, "busybox", "true")
        assert refused.rc == 125 and f"--stop-after '{words}': expected words of a step" in refused.stderr
    assert not mydocker.left_since(before)


def test_exec_and_start_wait_too_and_speak_chinese(mydocker: Machine) -> None:
    mydocker("create", "--name", "web", "--network", "none", "busybox", "sleep", "1000")
    started = mydocker.sh("echo | LC_ALL=zh_CN.UTF-8 {mydocker} start --stop-after PivotRoot web")
    assert started.stdout == "web\n" and "停在这一步之后" in started.stderr
    refused = mydocker.sh("LC_ALL=zh_CN.UTF-8 {mydocker} run --stop-after nonsense busybox true")
    assert "应为某个步骤里的词" in refused.stderr and "--dry-run 会列出" in refused.stderr
    executed = mydocker.sh("echo | {mydocker} exec --stop-after 'setns to the network' web echo inside")
    assert executed.stdout == "inside\n" and executed.stderr.count(GOES_ON) == 1
    mydocker("rm", "-f", "web")


def test_several_steps_wait_one_after_the_other(mydocker: Machine, needs_controllers: None) -> None:
    result = mydocker.sh("yes '' | {mydocker} run --rm -m 64m --network none --stop-after memory. busybox echo done")
    assert result.stdout == "done\n" and result.stderr.count(GOES_ON) >= 1 and "grep . /" in result.stderr


@pytest.mark.skipif(not Layout.detect(Paths()).unified, reason="there is no hierarchy of version 2")
def test_it_says_where_to_look_for_who_was_born(mydocker: Machine) -> None:
    result = mydocker.sh("yes '' | {mydocker} run --rm --network none --stop-after CLONE_INTO_CGROUP busybox echo done")
    shown = re.search("^ +(cat /.*/cgroup.procs)$", result.stderr, re.MULTILINE)
    assert result.stdout == "done\n" and shown
