"""What the resolver answers, without a network: questions and answers are bytes."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from dns.message import Message

from mydocker.engine.monitor import nameserver
from mydocker.engine.monitor.nameserver import Answering, Upstream
from mydocker.network.zone import Zone

MANY = [f"10.1.{high}.{low}" for high in range(4) for low in range(1, 50)]
ZONE = Zone(
    addresses={"web": ["10.0.0.2", "fd00::2"], "v4": ["10.0.0.3"], "all": ["10.0.0.2", "10.0.0.3"], "many": MANY},
    owners={"10.0.0.2": "web.net1", "fd00::2": "web.net1"},
    is_closed=False,
)
CLOSED = Zone(addresses={}, owners={}, is_closed=True)


class FakeZones:
    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def current(self) -> Zone:
        return self.zone


class Told(Answering):
    """An Answering whose name servers give the answers of a script: an exit code, bytes, or an error."""

    def __init__(self, zone: Zone, *script: object) -> None:
        servers = [Upstream(address=f"192.0.2.{number}", is_hosts=False) for number in range(len(script))]
        super().__init__(FakeZones(zone), servers, "")  # type: ignore[arg-type]
        self.script = script
        self.asked: list[tuple[str, str]] = []

    async def _by_udp(self, upstream: Upstream, data: bytes) -> bytes:
        return self._told("udp", upstream, data)

    async def _by_tcp(self, upstream: Upstream, data: bytes) -> bytes:
        return self._told("tcp", upstream, data)

    def _told(self, how: str, upstream: Upstream, data: bytes) -> bytes:
        question = dns.message.from_wire(data)
        self.asked.append((how, question.question[0].name.to_text()))
        told = self.script[self.upstreams.index(upstream)]
        if isinstance(told, BaseException):
            raise told
        if isinstance(told, bytes):
            return told
        answer = dns.message.make_response(question)
        answer.set_rcode(told)  # type: ignore[arg-type]
        return answer.to_wire()


def ask(answering: Answering, name: str, kind: str = "A", is_tcp: bool = False, payload: int | None = None) -> Message:
    question = dns.message.make_query(name, kind, use_edns=payload and 0, payload=payload)
    answer = asyncio.run(answering.answer(question.to_wire(), is_tcp))
    assert answer is not None
    made = dns.message.from_wire(answer)
    assert made.id == question.id
    assert made.question == question.question
    return made


def texts(answer: Message) -> list[str]:
    return sorted(each.to_text() for records in answer.answer for each in records)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("web.", "A", ["10.0.0.2"]),
        ("WEB.", "A", ["10.0.0.2"]),
        ("web.", "AAAA", ["fd00::2"]),
        ("web.", "ANY", ["10.0.0.2", "fd00::2"]),
        ("web.", "MX", []),
        ("v4.", "AAAA", []),
        ("all.", "A", ["10.0.0.2", "10.0.0.3"]),
        ("2.0.0.10.in-addr.arpa.", "PTR", ["web.net1."]),
    ],
)
def test_what_is_known_is_answered_here(name: str, kind: str, expected: list[str]) -> None:
    answering = Told(ZONE, dns.rcode.NXDOMAIN)
    answer = ask(answering, name, kind)
    assert (answer.rcode(), texts(answer), answering.asked) == (dns.rcode.NOERROR, expected, [])
    assert answer.flags & dns.flags.RA


def test_the_addresses_of_a_name_come_in_another_order_each_time() -> None:
    firsts = {ask(Told(ZONE), "all.").answer[0][0].to_text() for _ in range(60)}
    assert firsts == {"10.0.0.2", "10.0.0.3"}


@pytest.mark.parametrize(("payload", "is_cut"), [(None, True), (4096, False), (700, True)])
def test_an_answer_that_is_too_long_is_cut_and_whole_by_tcp(payload: int | None, is_cut: bool) -> None:
    answer = ask(Told(ZONE), "many.", payload=payload)
    assert bool(answer.flags & dns.flags.TC) is is_cut
    assert len(texts(answer)) == (0 if is_cut else len(MANY))
    assert len(texts(ask(Told(ZONE), "many.", is_tcp=True))) == len(MANY)


@pytest.mark.parametrize("how", ["udp", "tcp"])
def test_the_rest_is_asked_of_others_in_their_order(how: str) -> None:
    is_tcp = how == "tcp"
    for script, code, asked in (
        ((dns.rcode.NXDOMAIN, dns.rcode.NOERROR), dns.rcode.NXDOMAIN, 1),
        ((TimeoutError(), dns.rcode.NOERROR), dns.rcode.NOERROR, 2),
        ((ConnectionRefusedError(), dns.rcode.NXDOMAIN), dns.rcode.NXDOMAIN, 2),
        ((dns.rcode.SERVFAIL, dns.rcode.REFUSED), dns.rcode.REFUSED, 2),
        ((b"\0\0short", EOFError()), dns.rcode.SERVFAIL, 2),
        ((), dns.rcode.SERVFAIL, 0),
    ):
        answering = Told(ZONE, *script)
        assert ask(answering, "example.", is_tcp=is_tcp).rcode() == code
        assert answering.asked == [(how, "example.")] * asked


def test_the_answer_to_another_question_is_none() -> None:
    other = dns.message.make_response(dns.message.make_query("evil.", "A")).to_wire()
    assert ask(Told(ZONE, other), "example.").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize(("name", "kind"), [("secret.example.", "A"), ("secret.example.", "TXT"), ("9.9.9.9.in-addr.arpa.", "PTR")])
def test_from_internal_networks_nobody_is_asked(name: str, kind: str) -> None:
    answering = Told(CLOSED, dns.rcode.NOERROR)
    assert (ask(answering, name, kind).rcode(), answering.asked) == (dns.rcode.SERVFAIL, [])


def test_only_so_many_questions_are_under_way() -> None:
    answering = Told(ZONE, dns.rcode.NOERROR)
    answering.under_way = nameserver._AT_ONCE
    assert (ask(answering, "example.").rcode(), answering.asked) == (dns.rcode.SERVFAIL, [])


def test_a_container_that_has_ended_has_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    answering = Told(ZONE)

    def current(zones: FakeZones) -> Zone:
        raise KeyError(zones)

    monkeypatch.setattr(FakeZones, "current", current)
    assert ask(answering, "web.").rcode() == dns.rcode.SERVFAIL


QUESTION = dns.message.make_query("web.", "A", id=7).to_wire()
RESPONSE = dns.message.make_response(dns.message.from_wire(QUESTION)).to_wire()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", None),
        (b"x", None),
        (RESPONSE, None),
        (RESPONSE[:14], None),
        (QUESTION[:-1], dns.rcode.FORMERR),
        (QUESTION[:12], dns.rcode.FORMERR),
        (QUESTION[:12] + b"\xc0\x0c" * 8, dns.rcode.FORMERR),
        (QUESTION[:2] + b"\x10" + QUESTION[3:], dns.rcode.NOTIMP),
        (QUESTION[:4] + bytes(8), dns.rcode.NOTIMP),
    ],
)
def test_what_is_no_question(data: bytes, code: dns.rcode.Rcode | None) -> None:
    answer = asyncio.run(Told(ZONE, dns.rcode.NOERROR).answer(data, False))
    assert (None if answer is None else answer[3] & 0xF) == code
    assert answer is None or answer[:2] == data[:2]
