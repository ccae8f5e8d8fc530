"""stop, restart, kill, pause, wait, rename, attach: what is done to containers while they run."""

from collections.abc import Iterator

import pytest
from conftest import FACTOR, Machine

# Says when it is ready; ends with status 3 on TERM.
POLITE = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
def web(mydocker: Machine) -> Iterator[str]:
    """A container that runs and ends politely."""
    mydocker("run", "-d", "--name", "web", "busybox", "sh", "-c", POLITE)
    mydocker.wait_until(lambda: "ready" in mydocker.sh("cat root/containers/*/log.json").stdout)
    yield "web"
    mydocker("rm", "-f", "web")


def status(mydocker: Machine, name: str = "web") -> str:
    return mydocker("ps", "-a").stdout.splitlines()[1]


def test_stop_asks_first(mydocker: Machine, web: str) -> None:
    assert mydocker("stop", web).stdout == "web\n"
    assert mydocker.record(web)["exitCode"] == 3
    assert mydocker("stop", web).rc == 0


def test_stop_kills_what_does_not_listen(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "deaf", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
    assert mydocker("stop", "-t", "0", "deaf").rc == 0
    assert mydocker.record("deaf")["exitCode"] == 137
    mydocker("rm", "deaf")


def test_the_stop_signal_and_its_timeout_are_the_containers(mydocker: Machine) -> None:
    program = "trap 'exit 9' USR1; trap '' TERM; echo ready; while :; do sleep 0.05; done"
    mydocker("run", "-d", "--name", "own", "--stop-signal", "USR1", "--stop-timeout", "60", "busybox", "sh", "-c", program)
    mydocker.wait_until(lambda: "ready" in mydocker.sh("cat root/containers/*/log.json").stdout)
    mydocker("stop", "own")
    assert mydocker.record("own")["exitCode"] == 9
    mydocker("rm", "own")


def test_stop_works_without_a_monitor(mydocker: Machine, web: str) -> None:
    mydocker.sh(f"kill -9 $(awk '/^PPid/ {{ print $2 }}' /proc/{mydocker.pid(web)}/status)")
    assert mydocker("stop", web).rc == 0
    assert "Exited (unknown)" in status(mydocker)
    result = mydocker("wait", web)
    assert (result.rc, result.stdout) == (1, "")
    assert "unknown" in result.stderr


@pytest.mark.parametrize(("flags", "code"), [([], 137), (["-s", ""], 137), (["-s", "TERM"], 3), (["-s", "15"], 3)])
def test_kill(mydocker: Machine, web: str, flags: list[str], code: int) -> None:
    assert mydocker("kill", *flags, web).stdout == "web\n"
    mydocker.wait_until(lambda: mydocker.record(web)["status"] == "exited")
    assert mydocker.record(web)["exitCode"] == code
    again = mydocker("kill", web)
    assert (again.rc, again.stderr) == (1, "mydocker: container web is not running\n")


def test_restart(mydocker: Machine, web: str) -> None:
    first = mydocker.pid(web)
    assert mydocker("restart", web).rc == 0
    assert mydocker.pid(web) != first
    mydocker("stop", web)
    assert mydocker("restart", web).rc == 0
    assert "Up" in status(mydocker)


@pytest.mark.kernel
def test_a_paused_container_stands_still(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "web", "busybox", "sh", "-c", "while :; do echo x; sleep 0.01; done")
    count = "cat root/containers/*/log.json | wc -l"
    mydocker.wait_until(lambda: int(mydocker.sh(count).stdout) > 3)
    assert mydocker("pause", "web").rc == 0
    assert "(Paused)" in status(mydocker)
    before = mydocker.sh(f"sleep 0.1; {count}").stdout
    assert mydocker.sh(f"sleep 0.2; {count}").stdout == before
    for verb, words in ((["pause"], "already paused"), (["exec"], "is paused"), (["attach"], "is paused")):
        refused = mydocker(*verb, "web", *(["true"] if verb == ["exec"] else []))
        assert refused.rc == 1
        assert words in refused.stderr
    assert mydocker("unpause", "web").rc == 0
    mydocker.wait_until(lambda: mydocker.sh(count).stdout != before)
    assert mydocker("unpause", "web").rc == 1
    mydocker("pause", "web")
    assert mydocker("rm", "-f", "web").rc == 0


@pytest.mark.parametrize("verb", [["pause", "starts"], ["commit", "starts", "starting"]])
def test_what_starts_is_not_frozen(mydocker: Machine, verb: list[str]) -> None:
    """Its init would never answer the monitor, which holds the container's lock until the start is done."""
    mydocker("run", "-d", "--name", "starts", "--network", "none", "busybox", "sleep", "1000")
    lock = f"root/containers/{mydocker.record('starts')['id']}/lock"
    line = f"timeout -s KILL 1 {mydocker.prefixed} {mydocker.quote(verb[0])} {' '.join(verb[1:])}"
    assert mydocker.sh(f"flock {lock} {line}").rc == 137
    assert "Paused" not in mydocker("ps").stdout
    assert mydocker(*verb).rc == 0
    mydocker("rmi", "starting")
    assert mydocker("rm", "-f", "starts").rc == 0


def test_a_paused_container_can_be_stopped(mydocker: Machine, web: str) -> None:
    mydocker("pause", web)
    assert mydocker("stop", web).rc == 0
    assert mydocker.record(web)["exitCode"] == 3


def test_wait_prints_the_statuses(mydocker: Machine, web: str) -> None:
    mydocker.sh("({mydocker} wait web > status) & sleep 0.3; {mydocker} stop web; wait")
    assert mydocker.sh("cat status").stdout == "3\n"
    assert mydocker("wait", web).stdout == "3\n"
    brief = f"sleep {0.5 * FACTOR}; exit 4"
    mydocker.sh(f"{{mydocker}} run -d --rm --name brief busybox sh -c '{brief}'; {{mydocker}} wait brief > status")
    assert mydocker.sh("cat status").stdout == "4\n"


def test_rename(mydocker: Machine, web: str) -> None:
    mydocker("create", "--name", "other", "busybox", "true")
    taken = mydocker("rename", web, "other")
    assert taken.rc == 1
    assert "in use" in taken.stderr
    assert mydocker("rename", web, "new").rc == 0
    assert mydocker("stop", web).rc == 1
    assert mydocker("stop", "new").rc == 0
    assert mydocker.record("new")["name"] == "new"
    assert mydocker("rename", "other", web).rc == 0
    mydocker("rm", "new")


@pytest.mark.parametrize("when", ["claimed", "saved"])
def test_a_rename_that_died_half_way_blocks_no_name(mydocker: Machine, web: str, when: str) -> None:
    """What kill -9 leaves: two claims of one container."""
    identity = mydocker.record(web)["id"]
    mydocker.sh(f"printf {identity} > root/names/second")
    assert mydocker("create", "--name", "second", "busybox", "true").rc == 0
    assert mydocker("ps", "-aq").stdout.count("\n") == 2
    mydocker("rm", "second")


def test_many_clients_see_the_same(mydocker: Machine) -> None:
    mydocker("run", "-d", "-i", "--name", "cat", "busybox", "cat")
    clients = "for i in 1 2 3; do ({mydocker} attach --no-stdin cat > out$i; echo $? >> out$i) & done; {mydocker} attach cat < in &"
    mydocker.sh(f"mkfifo in; (sleep 1000 > in & echo $! > writer; {clients}) > /dev/null 2>&1")
    attached = ("events", "--since", "1h", "--until", "0s", "--filter", "event=attach", "--filter", "container=cat", "--format", "{{.ID}}")
    mydocker.wait_until(lambda: mydocker(*attached).stdout.count("\n") == 4)
    mydocker.sh("echo hello > in")
    mydocker.wait_until(lambda: mydocker.sh("cat out1 out2 out3").stdout == "hello\n" * 3)
    mydocker("kill", "cat")
    mydocker.wait_until(lambda: mydocker.sh("cat out1 out2 out3").stdout == "hello\n137\n" * 3)
    mydocker.sh("kill $(cat writer)")
    mydocker("rm", "cat")


def test_a_slow_client_holds_up_nobody_and_loses_nothing(mydocker: Machine) -> None:
    mydocker.sh(
        "({mydocker} run --name fast busybox seq 500000 | (while [ ! -e go ]; do sleep 0.05; done; md5sum > sum)) > /dev/null 2>&1 &"
    )
    mydocker.wait_until(lambda: "Exited (0)" in mydocker("ps", "-a").stdout)
    mydocker.sh("touch go")
    mydocker.wait_until(lambda: mydocker.sh("cat sum").stdout)
    assert mydocker.sh("cat sum").stdout == mydocker.sh("seq 500000 | md5sum").stdout
    mydocker("rm", "fast")


def test_a_slow_client_of_a_removed_container_loses_nothing(mydocker: Machine) -> None:
    """The exit status is what no longer fits into the socket for one of these sizes, when the container's directory is gone."""
    sizes = range(280_000, 440_000, 20_000)
    run = '{mydocker} run --rm --label slow busybox sh -c "head -c $size /dev/zero; exit 9"; echo $? > status.$size'
    slow = "while [ ! -e go ]; do sleep 0.05; done; wc -c > out.$size"
    mydocker.sh(f"(for size in {' '.join(map(str, sizes))}; do ({run}) | ({slow}) & done) > /dev/null 2>&1")
    removed = ("events", "--since", "1h", "--until", "0s", "--filter", "event=destroy", "--filter", "label=slow", "--format", "{{.ID}}")
    mydocker.wait_until(lambda: mydocker(*removed).stdout.count("\n") == len(sizes))
    mydocker.sh("touch go")
    for size in sizes:
        mydocker.wait_until(lambda size=size: mydocker.sh(f"cat out.{size} status.{size}").stdout == f"{size}\n9\n")  # type: ignore[misc]


def test_attach_to_a_terminal(mydocker: Machine) -> None:
    mydocker("run", "-dit", "--name", "term", "busybox", "sh")
    with mydocker.terminal("attach", "term") as terminal:
        terminal.send("tty; echo $((40+2))\r")
        terminal.expect("/dev/pts/0")
        terminal.expect("42")
        terminal.send("\x10\x11")
        assert terminal.wait() == 0
    assert "Up" in mydocker("ps").stdout
    with mydocker.terminal("start", "-ai", "term") as terminal:
        terminal.send("exit 6\r")
        assert terminal.wait() == 6
    mydocker("rm", "term")


def test_what_is_told(mydocker: Machine, web: str) -> None:
    pid = mydocker.pid(web)
    dry = mydocker("stop", "--dry-run", web)
    assert f"send signal 15 to process {pid}" in dry.stdout
    assert mydocker("kill", "--explain=sh", "-s", "HUP", web).stderr == f"kill -1 {pid}\n"
    assert "all processes are frozen" in mydocker("pause", "--explain", web).stderr


def test_many_at_once_and_against_each_other(mydocker: Machine, needs_controllers: None) -> None:
    """Losers get one line; nobody gets a traceback, and nothing is left."""
    one = f"{mydocker.prefixed} run -d --name many{{}} -m 32m -v shared:/d -v /own busybox sleep 1000"
    started = mydocker.sh(f"seq 50 | xargs -P 8 -I{{}} {one}")
    assert started.rc == 0, started.stderr
    assert len(mydocker("ps", "-q").stdout.split()) == 50
    fight = (
        "for i in 1 2 3; do M exec many1 true & M rename many1 other$i & M stop -t 0 many1 & M rm -fv many1 & M rm -fv many2 & done; wait"
    )
    told = mydocker.sh(fight.replace("M ", mydocker.prefixed + " "))
    assert "Traceback" not in told.stderr
    assert all(line.startswith(("mydocker: ", "hint: ")) for line in told.stderr.splitlines())
    left = mydocker("ps", "-aq").stdout.split()
    mydocker.sh(f"echo {' '.join(left)} | xargs -n 3 -P 8 {mydocker.prefixed} rm -fv")
    assert mydocker("ps", "-aq").stdout == ""
    assert mydocker("system", "check").stdout == ""
    mydocker("volume", "rm", "shared")


@pytest.mark.parametrize(("files", "works"), [(200, True), (32, True), (31, False), (14, False)])
def test_few_files_may_be_open(mydocker: Machine, files: int, works: bool) -> None:
    """Whatever cannot work says so before anything is made."""
    mydocker("run", "-d", "--name", "long", "busybox", "sleep", "1000")
    limited = f"ulimit -n {files}; {{mydocker}}"
    verbs = ["exec long echo done", "run --rm -m 64m -v /anonymous busybox echo done", "run --name kept busybox echo done"]
    for verb in verbs:
        result = mydocker.sh(f"{limited} {verb}")
        assert (result.rc, result.stdout) == ((0, "done\n") if works else (125, "")), result.stderr
        assert ("the limit on open files (ulimit -n) is too low" in result.stderr, result.stderr.count("\n")) == (not works, not works)
    assert mydocker("ps", "-aq").stdout.count("\n") == 1 + works
    mydocker("rm", "-f", "long", "kept")
    assert mydocker("system", "check").stdout == ""


def test_a_mount_that_needs_a_number_above_the_limit(mydocker: Machine) -> None:
    mydocker.sh("mkdir shared; mount -t tmpfs shared shared; mount --make-shared shared")
    result = mydocker.sh("ulimit -n 200; {mydocker} run --rm -v {directory}/shared:/host:rshared busybox true")
    mydocker.sh("umount shared")
    assert result.rc == 125
    assert "needs file descriptor 200, which the limit on open files (ulimit -n) is below" in result.stderr
    assert mydocker("ps", "-aq").stdout == ""
    assert mydocker("system", "check").stdout == ""
