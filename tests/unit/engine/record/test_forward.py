"""What goes to syslog and to the journal: the messages, whom they reach, and that nobody waits for who does not take them."""

from __future__ import annotations

import os
import re
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from mydocker.engine.record import forward
from mydocker.engine.record.forward import Forwarding, Journal, Syslog
from mydocker.errors import BadInput, Error

RECORD: Any = {"id": "a" * 64, "name": "web", "image": "busybox:1", "imageId": "b" * 64}


def record(kind: str, **options: str) -> Any:
    return {
        **RECORD,
        "hostConfig": {"LogConfig": {"Type": kind, "Config": {name.replace("_", "-"): each for name, each in options.items()}}},
    }


@pytest.fixture
def server(tmp_path: Path) -> Any:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(tmp_path / "log"))
    made.settimeout(10)
    yield made
    made.close()


def test_each_line_is_a_message_and_stays_in_the_log(tmp_path: Path, server: socket.socket) -> None:
    log = Forwarding(
        str(tmp_path / "log.json"), 0, 1, forward.sender_of(record("syslog", syslog_address=f"unix://{tmp_path}/log", tag="T"))
    )
    log.write("stdout", b"one\ntw")
    log.write("stderr", b"bad\n")
    log.close()
    messages = [server.recv(4096).decode() for _ in range(3)]
    form = r"<%d>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d T\[\d+\]: %s"
    for message, priority, text in zip(messages, (30, 27, 30), ("one", "bad", "tw"), strict=True):
        assert re.fullmatch(form % (priority, text), message.rstrip("\n")), message
    assert (tmp_path / "log.json").read_text().count("\n") == 3


def test_a_stream_over_tcp_in_the_newer_form(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        sender = forward.sender_of(record("syslog", syslog_address=address, syslog_format="rfc5424micro", syslog_facility="local3"))
        log = Forwarding(str(tmp_path / "log.json"), 0, 1, sender)
        taken, _ = server.accept()
        log.write("stdout", b"one\ntwo\n")
        log.close()
        with taken, taken.makefile() as lines:
            found = lines.read().splitlines()
    tag = "a" * 12
    pattern = rf"<158>1 \d{{4}}-\d\d-\d\dT[\d:.]+Z {re.escape(os.uname().nodename)} {tag} {os.getpid()} {tag} - one"
    assert re.fullmatch(pattern, found[0]) and found[1].endswith(" - two")


def test_the_journal_gets_fields_and_the_text_with_its_length() -> None:
    message = forward.sender_of(record("journald", tag="{{.Name}}/{{.ID}}")).message(b"a\nb", 3)
    head, _, rest = message.partition(b"MESSAGE\n")
    fields = dict(line.split("=", 1) for line in head.decode().splitlines())
    assert fields["CONTAINER_TAG"] == fields["SYSLOG_IDENTIFIER"] == "web/" + "a" * 12
    assert (fields["CONTAINER_NAME"], fields["IMAGE_NAME"], fields["PRIORITY"]) == ("web", "busybox:1", "3")
    assert rest == struct.pack("<Q", 3) + b"a\nb\n"


def test_who_is_not_there_at_the_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"log driver syslog: unix:///nosuch/log: No such file"):
        Forwarding(str(tmp_path / "log.json"), 0, 1, Syslog("unix:///nosuch/log", 3, "", "t"))


def test_nobody_waits_for_who_does_not_take_it(tmp_path: Path, server: socket.socket) -> None:
    """A server that goes away, or that reads nothing, costs the messages and not the container's time or its log."""
    log = Forwarding(str(tmp_path / "log.json"), 0, 1, Syslog(f"unixgram://{tmp_path}/log", 3, "", "t"))
    server.close()
    done = threading.Event()

    def write() -> None:
        for _ in range(50):
            log.write("stdout", b"x\n")
        done.set()

    threading.Thread(target=write, daemon=True).start()
    assert done.wait(20)
    log.close()
    assert "did not reach unixgram://" in log.problem
    assert (tmp_path / "log.json").read_text().count("\n") == 50


@pytest.mark.parametrize(
    ("driver", "options", "words"),
    [
        ("syslog", {"syslog-address": "http://x"}, "invalid log option syslog-address=http://x: expected unix://PATH"),
        ("syslog", {"syslog-address": "unix://log"}, "invalid log option syslog-address"),
        ("syslog", {"syslog-facility": "nosuch"}, "expected a number or one of kern"),
        ("syslog", {"syslog-facility": "24"}, "expected a number or one of kern"),
        ("syslog", {"syslog-format": "x"}, "expected rfc3164"),
        ("syslog", {"tag": "{{.Nosuch}}"}, "expected a text with {{.ID}}"),
    ],
)
def test_refused(driver: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        forward.check(driver, options)
    assert words in caught.value.message


def test_a_journal_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(forward, "JOURNAL", f"{tmp_path}/nosuch")
    with pytest.raises(BadInput, match="there is no journal here"):
        forward.check("journald", {})
    assert Journal.name == "journald"
