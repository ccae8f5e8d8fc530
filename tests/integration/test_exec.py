"""exec: one more process in a running container."""

import re
from collections.abc import Iterator

import pytest
from conftest import Machine


@pytest.fixture
def web(mydocker: Machine) -> Iterator[str]:
    """A running container."""
    mydocker("run", "-d", "--name", "web", "-e", "OWN=1", "-e", "CHANGED=1", "-w", "/tmp", "busybox", "sleep", "1000")
    yield "web"
    mydocker("rm", "-f", "web")


@pytest.mark.kernel
def test_it_is_in_the_containers_namespaces_cgroups_and_confinement(mydocker: Machine, web: str) -> None:
    pid = mydocker.pid(web)
    mydocker("exec", "-d", web, "sleep", "77")
    ours = mydocker.wait_until(lambda: mydocker.sh("grep -lz '^77$' /proc/[0-9]*/cmdline 2>/dev/null").stdout).split("/")[2]
    for name in ("mnt", "uts", "ipc", "pid", "net", "cgroup", "user"):
        assert mydocker.sh(f"readlink /proc/{ours}/ns/{name}").stdout == mydocker.sh(f"readlink /proc/{pid}/ns/{name}").stdout, name
    assert mydocker.sh(f"cat /proc/{ours}/cgroup").stdout == mydocker.sh(f"cat /proc/{pid}/cgroup").stdout
    fields = "'^(Cap|Seccomp|NoNewPrivs|Groups|SigBlk|SigIgn)'"
    assert mydocker.sh(f"grep -E {fields} /proc/{ours}/status").stdout == mydocker.sh(f"grep -E {fields} /proc/{pid}/status").stdout


@pytest.mark.parametrize(("command", "status"), [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["nosuch"], 127), (["/etc"], 126)])
def test_the_exit_status_is_the_commands(mydocker: Machine, web: str, command: list[str], status: int) -> None:
    assert mydocker("exec", web, *command).rc == status


def test_the_environment_is_the_containers_and_not_the_hosts(mydocker: Machine, web: str) -> None:
    result = mydocker("exec", "-e", "CHANGED=2", "-e", "NEW=3", web, "env", env={"HOST_ONLY": "x"})
    lines = set(result.stdout.splitlines())
    assert {"OWN=1", "CHANGED=2", "NEW=3", "HOME=/root"} <= lines
    assert "HOST_ONLY=x" not in lines


@pytest.mark.parametrize(
    ("flags", "command", "expected"),
    [
        ([], "pwd", "/tmp\n"),
        (["-w", "/etc"], "pwd", "/etc\n"),
        (["-u", "77:78"], "id -u; id -g", "77\n78\n"),
        (["--privileged"], "grep -c 'CapEff.*00000000a80425fb' /proc/self/status", "0\n"),
    ],
)
def test_flags(mydocker: Machine, web: str, flags: list[str], command: str, expected: str) -> None:
    assert mydocker("exec", *flags, web, "sh", "-c", command).stdout == expected


def test_arguments_and_streams(mydocker: Machine, web: str) -> None:
    words = ["", "two words", "a'b\"c", "x\ny", "ü"]
    printed = mydocker("exec", web, "printf", "%s|", *words)
    assert printed.stdout == "|".join(words) + "|"
    assert mydocker("exec", "-i", web, "cat", stdin="input\n").stdout == "input\n"
    assert mydocker("exec", web, "cat", stdin="input\n").stdout == ""
    apart = mydocker("exec", web, "sh", "-c", "echo out; echo err >&2")
    assert (apart.stdout, apart.stderr) == ("out\n", "err\n")


@pytest.mark.kernel
def test_a_terminal_of_its_own(mydocker: Machine, web: str) -> None:
    with mydocker.terminal("exec", "-it", web, "sh", "-c", "tty; stty size; read line; echo got $line; exit 5", size=(33, 99)) as terminal:
        terminal.expect("/dev/pts/0")
        terminal.expect("33 99")
        terminal.send("this\r")
        terminal.expect("got this")
        assert terminal.wait() == 5


@pytest.mark.parametrize("mode", [["--userns", "auto"], ["--pid", "host"], ["--network", "host"], ["--read-only"], ["-t"]])
def test_containers_of_other_kinds(request: pytest.FixtureRequest, mydocker: Machine, mode: list[str]) -> None:
    if "--userns" in mode:
        mode = request.getfixturevalue("userns")
    mydocker("run", "-d", "--name", "other", *mode, "busybox", "sleep", "1000")
    assert mydocker("exec", "other", "sh", "-c", "id -u; cat /proc/self/uid_map | wc -l").stdout == "0\n1\n"
    mydocker("rm", "-f", "other")


def test_dead_and_unknown_containers_are_refused(mydocker: Machine) -> None:
    """The book's own exec ran the command on the host, as root (field notes A10)."""
    mydocker("run", "--name", "dead", "busybox", "true")
    for name, words in (("dead", "container dead is not running"), ("nosuch", "no such container: nosuch")):
        result = mydocker("exec", name, "touch", f"{mydocker.directory}/made")
        assert (result.rc, result.stderr) == (1, f"mydocker: {words}\n")
    assert mydocker.sh("ls made").rc != 0
    mydocker("rm", "dead")


def test_an_exec_ends_with_its_container(mydocker: Machine, web: str) -> None:
    mydocker.sh("({mydocker} exec web sleep 100; echo $? > status) > /dev/null 2>&1 &")
    mydocker.wait_until(lambda: "\nsleep 100\n" in mydocker("exec", web, "ps", "-o", "args").stdout)  # not its client's fork
    mydocker("rm", "-f", web)
    mydocker.wait_until(lambda: mydocker.sh("cat status").stdout == "137\n")


@pytest.mark.parametrize("delay", [0, 0.05, 0.1, 0.15, 0.2])
def test_an_exec_that_meets_the_containers_end(mydocker: Machine, web: str, delay: float) -> None:
    """It ran and was killed, or it is said why it did not."""
    one = "({mydocker} exec web sleep 100 2> said.$i; echo $? > status.$i)"
    mydocker.sh("for i in 1 2 3 4 5 6; do " + one + " > /dev/null 2>&1 & done; sleep " + str(delay))
    mydocker("rm", "-f", web)
    refused = r"no such container: \w+|container \w+ is not running"
    for number in range(1, 7):
        mydocker.wait_until(lambda number=number: mydocker.sh(f"cat status.{number}").stdout)  # type: ignore[misc]
        assert re.fullmatch(rf"(137|1\nmydocker: ({refused}))\n", mydocker.sh(f"cat status.{number} said.{number}").stdout)


def test_it_is_told_step_by_step_and_by_hand(mydocker: Machine, web: str) -> None:
    told = mydocker("exec", "--explain", "web", "true").stderr
    assert "setns to the mount namespace" in told
    assert "setuid 0" in told
    dry = mydocker("exec", "--dry-run", "-u", "daemon", "web", "touch", "/made").stdout
    assert "setns to the mount namespace" in dry
    assert "setuid 1" in dry
    assert "execve touch /made" in dry
    assert mydocker("exec", "web", "test", "-e", "/made").rc == 1
    words = [
        "-u",
        "daemon",
        "-w",
        "/tmp",
        "-e",
        "A=b c",
        "web",
        "sh",
        "-c",
        'echo "$A $(pwd) $(id -u)"; cat /proc/1/comm; grep CapBnd /proc/self/status',
    ]
    by_hand = mydocker("exec", "--dry-run", "--explain=sh", *words).stdout
    assert mydocker.sh(f"cat > hand.sh <<'EOF_HAND'\n{by_hand}EOF_HAND\nsh hand.sh").stdout == mydocker("exec", *words).stdout


def test_a_start_is_told_too(mydocker: Machine, web: str) -> None:
    mydocker("stop", "-t", "0", "web")
    dry = mydocker("start", "--dry-run", "web").stdout
    assert "pivot_root" in dry
    assert "execve sleep 1000" in dry
    assert "Exited" in mydocker("ps", "-a").stdout
    mydocker("start", "web")
