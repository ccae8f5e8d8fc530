"""The bytes of a running container: real processes, pipes and terminals, and the messages that a client sees."""

from __future__ import annotations

import errno
import json
import marshal
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mydocker.engine.monitor.audience import Audience
from mydocker.engine.monitor.supervise import Supervisor
from mydocker.engine.record.log import Log
from mydocker.explaining import said
from mydocker.kernel import terminal
from mydocker.kernel.channel import Channel

Run = Callable[..., "Container"]


class Container:
    """A shell script with a supervisor; after run() what the client got and the log hold."""

    def __init__(self, directory: Path, script: str, is_tty: bool, has_stdin: bool, log: str) -> None:
        self.ours, self.theirs = Channel.pair()
        self.log = Path(log or f"{directory}/log.json")
        if is_tty:
            self.master, number = terminal.open_master("/dev/ptmx")
            self.slave = f"/dev/pts/{number}"
            slave = os.open(self.slave, os.O_RDWR | os.O_NOCTTY)
            ends, self.outputs, self.stdin = [slave] * 3, {self.master: "O"}, self.master
        else:
            (inner, self.stdin), (out, inner_out), (err, inner_err) = os.pipe(), os.pipe(), os.pipe()
            ends, self.outputs = [inner, inner_out, inner_err], {out: "O", err: "E"}
        actions = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(ends)]
        words = ["sh", "-c", script.replace("SLAVE", getattr(self, "slave", ""))]
        self.pid = os.posix_spawnp("sh", words, os.environ, file_actions=actions)
        for end in {*ends, *([] if has_stdin else [self.stdin])} - {getattr(self, "master", -1)}:
            os.close(end)
        self.stdin = self.stdin if has_stdin else -1
        self.audience = Audience(str(directory), self.theirs, "OEI")
        self.supervisor = Supervisor(self.pid, self.audience, self.outputs, self.stdin, is_tty, True, Log(str(self.log)))

    def run(self) -> int:
        """Supervise to the end, which must come within seconds; return the exit status."""
        status = self.supervisor.run()
        self.audience.finish()
        self.theirs.close()
        for descriptor in self.outputs:
            os.close(descriptor)
        return status

    def received(self) -> list[tuple[str, bytes]]:
        """Return the client's messages, those of one kind after another joined."""
        joined: list[tuple[str, bytes]] = []
        while (message := self.ours.receive())[0]:
            kind, payload, _ = message
            if joined and joined[-1][0] == kind:
                payload = joined.pop()[1] + payload
            joined.append((kind, payload))
        return joined

    def logged(self, stream: str) -> str:
        """Return what the log holds of a stream."""
        entries = [json.loads(line) for line in self.log.read_text().splitlines()]
        return "".join(entry["log"] for entry in entries if entry["stream"] == stream)


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Run]:
    """Return a function that starts a script: (script, is_tty, has_stdin, log)."""
    started = []

    def start(script: str, is_tty: bool = False, has_stdin: bool = False, log: str = "") -> Container:
        started.append(Container(tmp_path, script, is_tty, has_stdin or is_tty, log))
        return started[-1]

    signal.alarm(10)  # nothing here takes a second; whatever hangs ends the test run
    yield start
    signal.alarm(0)
    for each in started:
        each.ours.close()


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
def test_the_exit_status(container: Run, script: str, status: int) -> None:
    assert container(script).run() == status


def test_streams_stay_apart_for_the_client_and_in_the_log(container: Run) -> None:
    here = container("echo out; printf 'no newline' >&2")
    assert here.run() == 0
    assert sorted(here.received()) == [("E", b"no newline"), ("O", b"out\n")]
    assert (here.logged("stdout"), here.logged("stderr")) == ("out\n", "no newline")


def test_all_output_that_was_there_at_the_end_arrives(container: Run) -> None:
    here = container("head -c 200000 /dev/zero | tr '\\0' x")
    reader = os.fork()
    if reader == 0:
        here.theirs.close()
        os._exit(sum(len(payload) for _, payload in here.received()) != 200_000)
    assert here.run() == 0
    assert os.waitpid(reader, 0)[1] == 0


def test_input_and_its_end(container: Run) -> None:
    here = container("cat; echo end", has_stdin=True)
    here.ours.send("I", b"typed\n")
    here.ours.send("I")
    assert here.run() == 0
    assert here.received() == [("A", b""), ("O", b"typed\nend\n")]


@pytest.mark.parametrize(("script", "has_stdin"), [("true", False), ("exec <&-; sleep 0.05", True)])
def test_input_that_nobody_takes(container: Run, script: str, has_stdin: bool) -> None:
    here = container("sleep 0.05; " + script, has_stdin=has_stdin)
    here.ours.send("I", b"x" * 60000)
    if has_stdin:
        here.ours.send("I", b"x" * 60000)
    assert here.run() == 0
    assert here.received()[-1] == ("C", b"")


def test_a_signal(container: Run) -> None:
    here = container("trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.01; done")
    child = os.fork()
    if child == 0:
        here.ours.receive()
        here.ours.send("K", str(int(signal.SIGUSR1)).encode())
        os._exit(0)
    assert here.run() == 3
    os.waitpid(child, 0)
    assert here.logged("stdout") == "ready\ncaught\n"


def test_a_client_that_went_away(container: Run) -> None:
    here = container("echo one; sleep 0.05; echo two; exit 4")
    here.ours.close()
    assert here.run() == 4
    assert here.logged("stdout") == "one\ntwo\n"


def test_a_client_that_says_what_it_may_not_is_told_so_and_let_go(container: Run) -> None:
    here = container("sleep 0.05; exit 4")
    here.ours.send("b")
    here.ours.send("K", b"9")  # it is not listened to any more
    assert here.run() == 4
    ((kind, payload),) = here.received()
    awaited = "ATTACH or INPUT or SIGNAL or SIZE"
    assert (kind, marshal.loads(payload)["message"]) == ("F", f"the client sent BUILT where {awaited} was awaited")


def test_a_full_disk_ends_the_log_and_not_the_container(container: Run) -> None:
    here = container("echo one; sleep 0.05; echo two; exit 5", log="/dev/full")
    assert here.run() == 5
    problem = f"log entries were lost: {os.strerror(errno.ENOSPC)}"
    assert here.supervisor.log is not None and here.supervisor.log.problem == problem
    received = here.received()
    assert said("monitor", problem) in [marshal.loads(payload) for kind, payload in received if kind == "X"]
    assert b"".join(payload for kind, payload in received if kind == "O") == b"one\ntwo\n"


def test_a_line_without_end_on_a_full_disk(container: Run) -> None:
    here = container("printf one; exit 6", log="/dev/full")
    assert here.run() == 6
    assert here.received()[-1][0] == "X"


def test_somebody_else_who_writes_for_ever(container: Run) -> None:
    """A process of a container that shares the host's pid namespace may outlive the first one; here, one that is always faster."""
    here = container("exit 2")
    endless = os.open("/dev/zero", os.O_RDONLY)
    here.supervisor.outputs[endless] = "O"
    here.supervisor.log = None
    here.ours.close()
    assert here.run() == 2


class TestTerminal:
    def test_output_and_input(self, container: Run) -> None:
        here = container('stty -echo; echo ready; read line; echo "got $line"; exit 8', is_tty=True)
        here.ours.send("W", marshal.dumps((33, 99)))
        child = os.fork()
        if child == 0:
            here.ours.receive()
            here.ours.send("I", b"typed\n")
            os._exit(0)
        assert here.run() == 8
        os.waitpid(child, 0)
        assert here.logged("stdout") == "ready\r\ngot typed\r\n"

    def test_the_size(self, container: Run) -> None:
        until = 'n=0; until [ "$(stty size)" = "33 99" ] || [ $n = 500 ]; do n=$((n+1)); sleep 0.01; done'
        here = container(f"{until}; stty size", is_tty=True)
        here.ours.send("W", marshal.dumps((33, 99)))
        assert here.run() == 0
        assert here.received() == [("O", b"33 99\r\n")]

    def test_a_terminal_that_is_closed_and_opened_again(self, container: Run) -> None:
        """Without a slave of our own the master hangs up meanwhile, and what comes later is lost."""
        here = container("exec <&- >&- 2>&-; sleep 0.1; echo late > SLAVE; sleep 0.1; echo later > SLAVE; exit 9", is_tty=True)
        assert here.run() == 9
        assert here.logged("stdout") == "late\r\nlater\r\n"

    def test_the_end_of_the_users_input_is_not_the_containers(self, container: Run) -> None:
        here = container("sleep 0.1; echo on", is_tty=True)
        here.ours.send("I")
        assert here.run() == 0
        assert here.received() == [("O", b"on\r\n")]
