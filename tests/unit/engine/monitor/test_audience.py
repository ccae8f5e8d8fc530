"""Clients of a monitor: nobody waits for one that is slow, and it loses nothing."""

import marshal
from collections.abc import Iterator
from pathlib import Path
from select import poll

import pytest

from mydocker import messages
from mydocker.engine.monitor.audience import Attendee, Audience
from mydocker.engine.monitor.spool import Spool
from mydocker.kernel.channel import Channel, Listener, connect
from mydocker.messages import EXPLAIN, STARTED


def test_a_spool_is_a_queue_that_starts_again_when_it_is_empty(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    assert not spool
    spool.put("O", b"one")
    spool.put("Z", b"")
    assert list(tmp_path.iterdir()) == []
    assert spool.first() == spool.first() == ("O", b"one")
    spool.drop_first()
    spool.put("E", b"three")
    assert spool.first() == ("Z", b"")
    spool.drop_first()
    spool.drop_first()
    assert not spool
    spool.put("O", b"again")
    assert spool.first() == ("O", b"again")
    spool.close()


def test_a_spool_outlives_its_directory(tmp_path: Path) -> None:
    spool = Spool(f"{tmp_path}/gone")
    spool.put("Z", b"7")
    assert spool.first() == ("Z", b"7")
    spool.close()


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = Channel.pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def served(audience: Audience) -> list[tuple[Attendee, str, bytes]]:
    poller = poll()
    audience.register(poller)
    return audience.serve(dict(poller.poll(0)))


def test_a_slow_client_gets_everything_in_order(tmp_path: Path, pair: tuple[Channel, Channel]) -> None:
    ours, theirs = pair
    audience = Audience(str(tmp_path), theirs, "O")
    for number in range(1000):
        audience.pass_on("O", b"%06d" % number * 100)
        audience.pass_on("E", b"not wanted")
    assert audience.clients[0].spool
    audience.tell_all("Z", 7)
    received: list[tuple[str, bytes]] = []
    while len(received) < 1001:
        received.append(ours.receive()[:2])
        served(audience)
    assert received[:-1] == [("O", b"%06d" % number * 100) for number in range(1000)]
    assert received[-1] == ("Z", marshal.dumps(7))
    assert not audience.clients[0].spool
    audience.finish()


def test_a_client_that_goes_away_is_told_and_forgotten(tmp_path: Path, pair: tuple[Channel, Channel]) -> None:
    ours, theirs = pair
    audience = Audience(str(tmp_path), theirs, "OI")
    client = audience.clients[0]
    ours.put("K", 15)
    ours.close()
    assert served(audience) == [(client, "K", marshal.dumps(15))]
    assert served(audience) == [(client, "", b"")]
    assert audience.clients == []
    audience.tell(client, "A")


def test_more_clients_come_through_the_listener(tmp_path: Path, pair: tuple[Channel, Channel]) -> None:
    directory = tmp_path / ("long" * 30)
    directory.mkdir()
    audience = Audience(str(tmp_path), None, "", Listener(f"{directory}/attach"))
    first = connect(f"{directory}/attach")
    served(audience)
    first.send("H", b"O")
    (client, kind, payload), *rest = served(audience)
    assert (kind, payload, rest) == ("H", b"O", [])
    late = connect(f"{directory}/attach")
    audience.stop_listening()
    assert len(audience.clients) == 2
    audience.tell_all("Z", 0)
    assert first.receive()[0] == late.receive()[0] == "Z"
    with pytest.raises(ConnectionRefusedError):
        connect(f"{directory}/attach")
    for channel in (first, late):
        channel.close()
    for client in audience.clients:
        client.close()


def test_a_client_that_is_gone_is_found_once_by_a_message_and_by_what_is_told_of_it(
    tmp_path: Path, pair: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--explain tells of each message before it goes, over the same channel."""
    ours, theirs = pair
    audience = Audience(str(tmp_path), theirs, "")
    ours.close()
    monkeypatch.setattr(messages, "_watcher", lambda act, kind: audience.tell_all(EXPLAIN, ""))
    audience.tell_all(STARTED, 1)
    assert audience.clients == []
