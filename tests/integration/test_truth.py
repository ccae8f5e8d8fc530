"""Whatever is killed, and after a reboot: every verb says and does the right thing, and nothing is left."""

import json
from collections.abc import Iterator

import pytest
from conftest import Machine

from mydocker.kernel import tasks

KILLED = {
    "monitor": ["monitor"],
    "init": ["pid"],
    "both, the monitor first": ["monitor", "pid"],
}


def known(mydocker: Machine) -> dict[str, int]:
    """Return the state of the only container that runs."""
    state: dict[str, int] = json.loads(mydocker.sh("cat state/*/state.json").stdout)
    return state


def kill(mydocker: Machine, whom: list[str]) -> None:
    mydocker.sh("; ".join(f"kill -9 {known(mydocker)[name]}" for name in whom))


def end(mydocker: Machine) -> None:
    assert mydocker("rm", "-fv", "victim").rc == 0
    assert mydocker("ps", "-aq").stdout == ""
    assert mydocker("system", "check").stdout == ""


@pytest.fixture
def victim(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "victim", "-v", "/anonymous", "busybox", "sh", "-c", "trap 'exit 3' TERM; sleep 1000 & wait")


def test_without_its_monitor_it_goes_on(mydocker: Machine, victim: None) -> None:
    kill(mydocker, ["monitor"])
    assert "Up" in mydocker("ps").stdout
    assert mydocker("inspect", "-f", "{{.State.Status}} {{.State.Running}}", "victim").stdout == "running true\n"
    assert mydocker("exec", "victim", "echo", "here").stdout == "here\n"
    assert mydocker("pause", "victim").rc == mydocker("unpause", "victim").rc == 0
    assert mydocker("start", "victim").rc == 0
    assert mydocker("attach", "victim").rc == 1
    assert mydocker("stop", "victim").rc == 0
    assert "Exited (unknown)" in mydocker("ps", "-a").stdout
    assert "monitor died" in mydocker("inspect", "-f", "{{.State.Error}}", "victim").stdout
    assert mydocker("start", "victim").rc == 0
    assert mydocker("stop", "victim").rc == 0
    assert "Exited (3)" in mydocker("ps", "-a").stdout
    end(mydocker)


@pytest.mark.parametrize("whom", [["pid"], ["monitor", "pid"]], ids=["init", "monitor and init"])
@pytest.mark.parametrize(
    ("verb", "status", "says"),
    [
        ("stop", 0, ""),
        ("start", 0, ""),
        ("restart", 0, ""),
        ("rm -v", 0, ""),
        ("kill", 1, "is not running"),
        ("pause", 1, "is not running"),
        ("exec", 1, "is not running"),
        ("top", 1, "is not running"),
        ("attach", 1, "is not running"),
        ("logs", 0, ""),
        ("diff", 0, ""),
        ("update --restart no", 0, ""),
        ("rename other", 0, ""),
    ],
)
def test_what_was_killed_does_not_run(mydocker: Machine, victim: None, whom: list[str], verb: str, status: int, says: str) -> None:
    kill(mydocker, whom)
    expected = "Exited (137)" if whom == ["pid"] else "Exited (unknown)"
    mydocker.wait_until(lambda: expected in mydocker("ps", "-a").stdout)
    assert mydocker("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", "victim").stdout == "exited 0\n"
    name, *flags = verb.split()
    words = ["victim", *flags] if name == "rename" else [*flags, "victim", *(["true"] if name == "exec" else [])]
    result = mydocker(name, *words)
    assert (result.rc, says in result.stderr) == (status, True), result.stderr
    mydocker("rm", "-fv", "victim", "other")
    assert mydocker("ps", "-aq").stdout == ""
    assert mydocker("system", "check").stdout == ""


@pytest.mark.parametrize("verb", [["stop"], ["kill"], ["exec"], ["rm", "-v"], ["start"], ["rm", "-fv"]])
def test_after_a_reboot_a_stranger_with_the_same_pid_is_left_alone(mydocker: Machine, victim: None, verb: list[str]) -> None:
    """Another boot id, and a process that happens to have the pid and the start time of the container's."""
    state = known(mydocker)
    kill(mydocker, ["monitor", "pid"])
    mydocker.sh("sleep 1000 > /dev/null 2>&1 & echo $! > stranger")
    stranger = int(mydocker.sh("cat stranger").stdout)
    started = int(mydocker.sh(f"cut -d' ' -f22 /proc/{stranger}/stat").stdout)
    try:
        both = {"pid": stranger, "started": started, "monitor": stranger, "monitorStarted": started}
        path = mydocker.sh("ls state/*/state.json").stdout.strip()
        mydocker.sh(f"cat > {path} <<'END'\n{json.dumps({**state, **both, 'boot': 'of another day'})}\nEND")
        assert "Exited (unknown)" in mydocker("ps", "-a").stdout
        assert mydocker("inspect", "-f", "{{.State.Running}}", "victim").stdout == "false\n"
        assert mydocker(*verb, "victim", *(["true"] if verb == ["exec"] else [])).rc == (1 if verb[0] in ("kill", "exec") else 0)
        assert mydocker.sh(f"cut -d' ' -f22 /proc/{stranger}/stat").stdout.strip() == str(started)
        mydocker("rm", "-fv", "victim")
        assert mydocker("system", "check").stdout == ""
    finally:
        mydocker.sh(f"kill {stranger}")


def test_a_reboot_empties_run(mydocker: Machine, victim: None) -> None:
    kill(mydocker, ["monitor", "pid"])
    mydocker.wait_until(lambda: "Exited (unknown)" in mydocker("ps", "-a").stdout)
    mydocker.reboot()
    mydocker.sh("find /sys/fs/cgroup -path '*/mydocker/*' -depth -type d -exec rmdir {} +")
    assert "Exited (unknown)" in mydocker("ps", "-a").stdout
    assert mydocker("exec", "victim", "true").rc == 1
    assert mydocker("system", "check").stdout == ""
    assert mydocker("start", "victim").rc == 0
    assert mydocker("exec", "victim", "true").rc == 0
    end(mydocker)


@pytest.mark.parametrize(
    "verb",
    ["stop", "restart -t 0", "rm -fv", "rename", "update -m 64m", "pause", "exec", "commit", "cp", "start", "kill"],
)
def test_the_command_is_killed_half_way(mydocker: Machine, verb: str) -> None:
    """At a few moments of its run, from the first of Python's life to the last."""
    name, *flags = verb.split()
    words = {
        "rename": ["victim", "other"],
        "exec": ["victim", "true"],
        "commit": ["victim", "half"],
        "cp": ["victim:/bin/busybox", "copied"],
    }.get(name, [*flags, "victim"])
    for moment in (0.02, 0.03, 0.04, 0.05, 0.07):
        create = ["create"] if name == "start" else ["run", "-d"]
        assert mydocker(*create, "--name", "victim", "busybox", "sleep", "1000").rc == 0
        mydocker.sh(f"timeout -s KILL {moment} {mydocker.prefixed} {name} {' '.join(words)}")
        left = mydocker("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout.split()
        assert left in ([], *([n, s] for n in ("victim", "other") for s in ("running", "paused", "exited", "created", "dead"))), left
        # timeout has killed itself, too, so the command may still be doing its last call.
        mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0 and mydocker("system", "check").stdout == "")
        mydocker("rm", "-fv", "victim", "other")
        assert mydocker("ps", "-aq").stdout == ""
        mydocker.sh("rm -f copied")
        mydocker("rmi", "-f", "half")
        assert mydocker("system", "check").stdout == ""


GONE = {"state.json": "rm state/*/state.json", "STATE/ID": "rm -rf state/$(cat root/names/victim)", "STATE": "rm -rf state/[!s]*"}


@pytest.fixture(params=GONE)
def forgotten(request: pytest.FixtureRequest, mydocker: Machine) -> Iterator[int]:
    """Yield the pid of a container that runs though somebody has removed what says so.

    That mydocker switched on packet forwarding is known again afterwards: or nobody would ever switch it off.
    """
    mydocker("run", "-d", "--name", "victim", "-p", "127.0.0.1:18080:80", "busybox", "sh", "-c", "trap 'exit 3' TERM; sleep 1000 & wait")
    pid = mydocker.pid("victim")
    mydocker.sh(f"mkdir notes; cp state/networks/.net* notes; {GONE[request.param]}")
    yield pid
    mydocker.sh("mkdir -p state/networks; cp notes/.net* state/networks")


def test_what_runs_without_its_state_runs(mydocker: Machine, forgotten: int) -> None:
    assert "Up" in mydocker("ps").stdout
    assert mydocker("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", "victim").stdout == f"running {forgotten}\n"
    assert mydocker("exec", "victim", "echo", "here").stdout == "here\n"
    assert mydocker("system", "check").stdout == ""
    assert mydocker("rm", "victim").rc == 1
    assert mydocker("start", "victim").rc == 0
    assert mydocker("pause", "victim").rc == 0
    assert "Paused" in mydocker("ps").stdout
    assert mydocker("unpause", "victim").rc == 0
    assert mydocker.pid("victim") == forgotten
    assert mydocker("stop", "victim").rc == 0
    assert "Exited (3)" in mydocker("ps", "-a").stdout
    assert mydocker("system", "check").stdout == ""
    assert mydocker("start", "victim").rc == 0
    end(mydocker)


@pytest.mark.parametrize("verb", [["kill", "victim"], ["rm", "-fv", "victim"], ["restart", "-t", "0", "victim"]])
def test_what_runs_without_its_state_can_be_ended(mydocker: Machine, forgotten: int, verb: list[str]) -> None:
    assert mydocker(*verb).rc == 0
    mydocker.wait_until(lambda: tasks.is_ending(forgotten))
    mydocker("rm", "-fv", "victim")
    assert mydocker("ps", "-aq").stdout == ""
    assert mydocker("system", "check").stdout == ""
    mydocker("run", "--rm", "busybox", "true")  # makes STATE again


@pytest.mark.parametrize("verb", ["start", "rm"])
def test_what_lives_on_without_state_and_first_process(mydocker: Machine, verb: str) -> None:
    """With the host's pid namespace others outlive it; a start, and a removal, first end them."""
    mydocker("run", "-d", "--name", "victim", "--pid", "host", "busybox", "sh", "-c", "sleep 1234 & echo $!; wait")
    survivor = int(mydocker.wait_until(lambda: mydocker("logs", "victim").stdout.strip()))
    state = known(mydocker)
    mydocker.sh("rm -rf state/$(cat root/names/victim)")
    mydocker.sh(f"kill -9 {state['monitor']} {state['pid']}")
    mydocker.wait_until(lambda: "Exited (unknown)" in mydocker("ps", "-a").stdout)
    assert mydocker.sh(f"test -e /proc/{survivor}").rc == 0
    assert mydocker(verb, "victim").rc == 0
    mydocker.wait_until(lambda: tasks.is_ending(survivor))
    mydocker("rm", "-fv", "victim")
    assert mydocker("system", "check").stdout == ""


def test_another_root_leaves_what_is_started_alone(mydocker: Machine) -> None:
    """All roots have their cgroups in /mydocker: what one is starting is no leftover of another."""
    mydocker.sh(
        "mkdir -p other; (while [ ! -e done ]; do "
        "MYDOCKER_ROOT={directory}/other/root MYDOCKER_STATE={directory}/other/state {mydocker} system check --repair; "
        "done) > found 2>&1 & echo $! > checker".replace("{mydocker}", mydocker.command)
    )
    start = "{mydocker} run --rm --network none busybox true || echo failed"
    try:
        failed = mydocker.sh(f"for round in 1 2 3 4 5 6 7 8 9 10; do ({start}) & ({start}) & {start}; wait; {start}; done 2>&1").stdout
    finally:
        checker = int(mydocker.sh("touch done; cat checker").stdout)
        mydocker.wait_until(lambda: tasks.is_ending(checker))
    assert failed == ""
    assert mydocker.sh("cat found").stdout == ""
