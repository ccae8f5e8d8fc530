"""The user's side: keys, signals, sizes and streams, with a real terminal and the test as the monitor."""

from __future__ import annotations

import marshal
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator

import pytest

from mydocker.engine.monitor.client import Client
from mydocker.engine.monitor.detaching import DetachKeys
from mydocker.errors import CommandNotFound, Error, StepFailed
from mydocker.kernel import terminal
from mydocker.kernel.channel import Channel
from mydocker.messages import failure

CTRL_P, CTRL_Q = b"\x10", b"\x11"
KEYS = CTRL_P + CTRL_Q


@pytest.mark.parametrize(
    ("keys", "typed", "sent", "detached"),
    [
        (KEYS, [b"ls\n"], b"ls\n", False),
        (KEYS, [KEYS], b"", True),
        (KEYS, [CTRL_P, CTRL_Q], b"", True),
        (KEYS, [b"ls\n" + KEYS], b"ls\n", True),
        (KEYS, [b"ls\n" + KEYS + b"lost"], b"ls\n", True),
        (KEYS, [CTRL_P], b"", False),
        (KEYS, [CTRL_P, b"x"], CTRL_P + b"x", False),
        (KEYS, [CTRL_P, CTRL_P, b"x"], CTRL_P + CTRL_P + b"x", False),
        (KEYS, [CTRL_P + CTRL_P, CTRL_Q], CTRL_P, True),
        (KEYS, [CTRL_Q + CTRL_P], CTRL_Q, False),
        (b"x", [b"abx"], b"ab", True),
        (b"exit", [b"ex", b"exi", b"t"], b"ex", True),
    ],
)
def test_detach_keys(keys: bytes, typed: list[bytes], sent: bytes, detached: bool) -> None:
    here = DetachKeys(keys)
    assert b"".join(map(here.without, typed)) == sent
    assert here.matched == detached


def test_without_detach_keys_all_is_sent() -> None:
    here = DetachKeys(b"")
    assert (here.without(KEYS), here.matched) == (KEYS, False)


class Attached:
    """A Client in a process of its own, on a terminal or pipes; `channel` is the monitor's end."""

    def __init__(self, is_tty: bool, streams: str, proxy: bool) -> None:
        self.channel, theirs = Channel.pair()
        if is_tty:
            self.keyboard, number = terminal.open_master("/dev/ptmx")
            self.screen = self.errors = self.keyboard
            terminal.set_window_size(self.keyboard, 30, 100)
            ends = [os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)] * 3
        else:
            (stdin, self.keyboard), (self.screen, stdout), (self.errors, stderr) = os.pipe(), os.pipe(), os.pipe()
            ends = [stdin, stdout, stderr]
        self.settings = termios.tcgetattr(ends[0]) if is_tty else None
        self.slave = os.dup(ends[0])
        self.pid = os.fork()
        if self.pid == 0:
            self._be_client(theirs, ends, is_tty, streams, proxy)
        theirs.close()
        for end in set(ends):
            os.close(end)

    def _be_client(self, channel: Channel, ends: list[int], is_tty: bool, streams: str, proxy: bool) -> None:
        status = 99
        try:
            os.setsid()
            self.channel.close()
            os.close(self.keyboard)
            for number, end in enumerate(ends):
                os.dup2(end, number)
            os.close(self.slave)
            sys.stderr = sys.__stderr__  # pytest has put another one there
            status = Client(channel, streams, is_tty, KEYS, proxy, None).run()
        except Error as error:
            os.write(2, error.message.encode())
        finally:
            os._exit(status)

    def expect(self, kind: str) -> bytes:
        """Return the payload of the next message, which must be of this kind."""
        assert select.select([self.channel.fileno()], [], [], 5)[0]
        found, payload, _ = self.channel.receive()
        assert found == kind, payload
        return payload

    def wait(self) -> int:
        """Return the exit status, which must come within seconds."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        pytest.fail("the client does not end")

    def close(self) -> None:
        self.channel.close()
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        for descriptor in {self.keyboard, self.screen, self.errors, self.slave} - {-1}:
            os.close(descriptor)


@pytest.fixture
def attach() -> Iterator[Callable[..., Attached]]:
    started: list[Attached] = []

    def one(is_tty: bool = False, streams: str = "IOE", proxy: bool = True) -> Attached:
        started.append(Attached(is_tty, streams, proxy))
        return started[-1]

    yield one
    for each in started:
        each.close()


def test_output_goes_where_it_belongs_and_the_status_is_returned(attach: Callable[..., Attached]) -> None:
    here = attach()
    for kind, payload in (("O", b"out\xff"), ("E", b"err"), ("O", b"put")):
        here.channel.send(kind, payload)
    here.channel.put("Z", 42)
    assert here.wait() == 42
    assert (os.read(here.screen, 100), os.read(here.errors, 100)) == (b"out\xffput", b"err")


def test_only_one_piece_of_input_is_under_way(attach: Callable[..., Attached]) -> None:
    here = attach()
    os.write(here.keyboard, b"one")
    assert here.expect("I") == b"one"
    os.write(here.keyboard, b"two")
    assert not select.select([here.channel.fileno()], [], [], 0.03)[0]
    here.channel.send("A")
    assert here.expect("I") == b"two"
    os.close(here.keyboard)
    here.keyboard = -1
    here.channel.send("A")
    assert here.expect("I") == b""
    here.channel.put("Z", 0)
    assert here.wait() == 0


def test_input_is_left_alone_when_it_is_not_wanted_or_closed(attach: Callable[..., Attached]) -> None:
    here = attach(streams="OE")
    os.write(here.keyboard, b"mine")
    assert not select.select([here.channel.fileno()], [], [], 0.03)[0]
    here.channel.put("Z", 0)
    assert here.wait() == 0
    closed = attach()
    closed.channel.send("C")
    closed.channel.send("O", b"!")
    os.read(closed.screen, 1)
    os.write(closed.keyboard, b"late")
    assert not select.select([closed.channel.fileno()], [], [], 0.03)[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
def test_signals_are_passed_on(attach: Callable[..., Attached], number: int) -> None:
    here = attach()
    here.channel.send("O", b"!")
    os.read(here.screen, 1)  # it serves, so its handlers are in place
    os.kill(here.pid, number)
    assert here.expect("K") == str(int(number)).encode()
    here.channel.put("Z", 0)
    assert here.wait() == 0


def test_signals_are_the_clients_own_without_proxy(attach: Callable[..., Attached]) -> None:
    here = attach(proxy=False)
    here.channel.send("O", b"!")
    os.read(here.screen, 1)
    os.kill(here.pid, signal.SIGTERM)
    assert here.wait() == -signal.SIGTERM


@pytest.mark.parametrize(
    ("error", "status"),
    [(CommandNotFound("no such thing"), 99), (StepFailed("refused", 1), 99)],
)
def test_a_failure_is_raised(attach: Callable[..., Attached], error: Error, status: int) -> None:
    here = attach()
    here.channel.put("F", failure(error))
    assert here.wait() == status
    assert os.read(here.errors, 100).decode() == error.message


def test_a_monitor_that_dies(attach: Callable[..., Attached]) -> None:
    here = attach()
    here.channel.close()
    here.wait()
    assert os.read(here.errors, 100) == b"the container's monitor ended unexpectedly"


@pytest.mark.parametrize("first", ["", "S", "XS"])
def test_the_end_of_a_container_that_is_attached_to_may_come_before_the_attachment_is_noticed(first: str) -> None:
    ours, theirs = Channel.pair()
    for kind in first:
        theirs.put(kind, {"who": "monitor", "step": "x", "seconds": 0.0} if kind == "X" else 1)
    theirs.put("Z", 7)
    theirs.close()
    here = Client(ours, "OE", False, b"", False, None)
    here.wait_started()
    assert here.wait_end() == 7
    ours.close()


def test_what_a_monitor_may_not_say_is_an_error(attach: Callable[..., Attached]) -> None:
    here = attach()
    here.channel.send("p")
    assert here.wait() == 99
    assert os.read(here.errors, 100) == b"the monitor sent BORN where END was awaited"


def test_what_is_explained_is_shown_as_a_warning(attach: Callable[..., Attached]) -> None:
    here = attach()
    here.channel.put("X", {"who": "monitor", "step": "not cleaned up: x", "seconds": 0.0})
    here.channel.put("Z", 0)
    assert here.wait() == 0
    assert os.read(here.errors, 100) == b"mydocker: monitor: not cleaned up: x\n"


class TestTerminal:
    def test_size_keys_and_detaching(self, attach: Callable[..., Attached]) -> None:
        here = attach(is_tty=True)
        assert marshal.loads(here.expect("W")) == (30, 100)
        os.write(here.keyboard, b"a\x03\r")
        assert here.expect("I") == b"a\x03\r"  # raw: nothing is echoed, translated or made a signal
        here.channel.send("A")
        terminal.set_window_size(here.keyboard, 40, 120)
        os.kill(here.pid, signal.SIGWINCH)  # it is not in the terminal's foreground here
        assert marshal.loads(here.expect("W")) == (40, 120)
        os.write(here.keyboard, b"last" + KEYS)
        assert here.expect("I") == b"last"
        assert here.wait() == 0
        assert termios.tcgetattr(here.slave) == here.settings

    def test_output_is_not_translated(self, attach: Callable[..., Attached]) -> None:
        here = attach(is_tty=True)
        here.expect("W")
        here.channel.send("O", b"one\ntwo\r\n")
        seen = os.read(here.screen, 100)
        while len(seen) < len(b"one\ntwo\r\n"):  # a pty passes on in pieces
            seen += os.read(here.screen, 100)
        assert seen == b"one\ntwo\r\n"
        here.channel.put("Z", 3)
        assert here.wait() == 3
        assert termios.tcgetattr(here.slave) == here.settings

    def test_a_failure_gives_the_terminal_back(self, attach: Callable[..., Attached]) -> None:
        here = attach(is_tty=True)
        here.expect("W")
        here.channel.close()
        here.wait()
        assert termios.tcgetattr(here.slave) == here.settings
