"""A step that fails (MYDOCKER_FAIL_AT): one line that names it, the true exit status and record, and nothing is left."""

from __future__ import annotations

import errno
import os

import pytest
from conftest import Machine

MOST_STEPS = 150
FLAGS = ["--name", "failing", "-m", "64m", "-v", "data:/data", "-v", "/anonymous", "-p", "127.0.0.1::80"]
# Their number is odd, so that in turn each comes with --rm and without.
ERRORS = ("ENOSPC", "EIO", "EMFILE", "EDQUOT", "ENFILE", "ENOMEM", "EROFS")


@pytest.mark.parametrize("who", ["cli", "monitor", "init"])
def test_any_step_of_a_start_that_fails_is_told_and_undone(mydocker: Machine, needs_controllers: None, who: str) -> None:
    mydocker("run", "--rm", "-v", "data:/data", "busybox", "true")
    before = mydocker.snapshot()
    for number in range(1, MOST_STEPS):
        error, kept = ERRORS[number % len(ERRORS)], number % 2
        flags = FLAGS if kept else ["--rm", *FLAGS]
        result = mydocker("run", *flags, "busybox", "true", env={"MYDOCKER_FAIL_AT": f"{who}:{number}:{error}"})
        told = (who, number, error, result.rc, result.stdout, result.stderr)
        if result.rc == 0:
            break
        assert result.rc == 125, told
        assert result.stderr.count("\n") == 1 and result.stderr.startswith("mydocker: "), told
        assert result.stderr.endswith(f": {os.strerror(getattr(errno, error))}\n"), told
        if kept and who != "cli":
            state = "{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}"
            shown = mydocker.sh(f"{{mydocker}} inspect -f '{state}' failing && {{mydocker}} rm -v failing").stdout
            assert shown == f"created 125 {result.stderr.removeprefix('mydocker: ')}failing\n", told
        left = mydocker.left_since(before)  # a traceback in STATE/errors is among that
        assert not left, (*told, left)
    else:
        pytest.fail(f"{who} takes more than {MOST_STEPS} steps")
    assert mydocker("system", "check").stdout == ""
    mydocker("rm", "-v", "failing")
    mydocker("volume", "rm", "data")
    assert number > {"cli": 10, "monitor": 20, "init": 30}[who]


# What makes something: it is there whole, or not at all. Before, in a directory with image.tar and a Dockerfile, what it needs; then the
# verb; then what takes it away again.
MAKING = {
    "import": ("", "import root.tar imported:1", "rmi imported:1"),
    "commit": ("", "commit stopped committed:1", "rmi committed:1"),
    "tag": ("", "tag busybox tagged:1", "rmi tagged:1"),
    "create": ("", "create --name made -v data:/data busybox true", "rm -v made"),
    "network create": ("", "network create net", "network rm net"),
    "volume create": ("", "volume create vol", "volume rm vol"),
}
# What changes or removes something: it may be half done, and the same verb again does the rest.
CHANGING = {
    "build": ("", "build -q -t built:1 context", "rmi built:1"),
    "load": ("", "load -i image.tar", "rmi saved:1"),
    "stop": ("run -d --name it busybox top", "stop -t 0 it", "rm -f it"),
    "kill": ("run -d --name it busybox top", "kill it", "rm -f it"),
    "restart": ("run -d --name it busybox top", "restart -t 0 it", "rm -f it"),
    "pause": ("run -d --name it busybox top", "pause it", "rm -f it"),
    "rename": ("create --name it busybox top", "rename it that", "rm that"),
    "update": ("run -d --name it busybox top", "update --restart always it", "rm -f it"),
    "cp": ("create --name it busybox top", "cp context it:/context", "rm it"),
    "rm": ("create --name it -v data:/data busybox true", "rm -v it", ""),
    "rm -f": ("run -d --name it -p 127.0.0.1::80 busybox top", "rm -f it", ""),
    "rmi": ("tag busybox it:1", "rmi it:1", ""),
    "network connect": ("network create net; {} create --name it busybox top", "network connect net it", "rm -f it; {} network rm net"),
    "network disconnect": (
        "network create net; {} run -d --name it --network net busybox top",
        "network disconnect net it",
        "rm -f it; {} network rm net",
    ),
    "network rm": ("network create net", "network rm net", ""),
    "volume rm": ("volume create vol", "volume rm vol", ""),
}


@pytest.mark.parametrize("verb", [*MAKING, *CHANGING])
def test_any_step_of_any_verb_that_fails_is_told(mydocker: Machine, needs_controllers: None, verb: str) -> None:
    mydocker.sh("mkdir context; printf 'FROM busybox\\nCOPY f /f\\nRUN true\\n' > context/Dockerfile; echo f > context/f")
    mydocker.sh("tar -cf root.tar context; {mydocker} tag busybox saved:1; {mydocker} save saved:1 > image.tar; {mydocker} rmi saved:1")
    # Without a network: a veth pair goes a moment after the end was told, and what is compared below must stay.
    mydocker("run", "--network", "none", "--name", "stopped", "busybox", "touch", "/new")
    before, words, after = ({**MAKING, **CHANGING})[verb]
    whole = mydocker.snapshot()
    mydocker.sh(f"{{mydocker}} {before}".replace("{}", "{mydocker}")) if before else None
    prepared = mydocker.snapshot()
    for number in range(1, MOST_STEPS):
        error = ERRORS[number % len(ERRORS)]
        result = mydocker(*words.split(), env={"MYDOCKER_FAIL_AT": f"cli:{number}:{error}"})
        told = (verb, number, error, result.rc, result.stdout, result.stderr)
        if result.rc == 0 or (number > 1 and verb.startswith("rm") and result.stderr.startswith("mydocker: no such ")):
            break  # a removal goes on past a failure, so that nothing may be left to do
        assert result.rc in (1, 125), told
        assert result.stderr.count("\n") == 1 and result.stderr.startswith("mydocker: "), told
        assert result.stderr.endswith(f": {os.strerror(getattr(errno, error))}\n"), told
        if verb in MAKING:
            left = mydocker.left_since(prepared)
            assert not left, (*told, left)
    else:
        pytest.fail(f"{verb} takes more than {MOST_STEPS} steps")
    assert number > 1, f"{verb} has no step that could fail"
    mydocker.sh(f"{{mydocker}} {after}".replace("{}", "{mydocker}")) if after else None
    mydocker("builder", "prune", "-f")
    mydocker("volume", "prune", "-af")
    if verb.startswith("rm"):
        mydocker("system", "check", "--repair")  # the name, if its own removal failed
    assert mydocker("system", "check").stdout == ""
    assert mydocker.left_since(whole) == []
    mydocker("rm", "stopped")


@pytest.mark.parametrize("variable", ["MYDOCKER_FAIL_AT", "MYDOCKER_CRASH_AFTER", "MYDOCKER_DELAY"])
def test_a_value_that_asks_for_nothing_is_refused(mydocker: Machine, variable: str) -> None:
    result = mydocker("run", "--rm", "busybox", "true", env={variable: "init:x"})
    assert (result.rc, result.stderr.count("\n")) == (125, 1)
    assert result.stderr.startswith(f"mydocker: {variable} 'init:x': expected ")
