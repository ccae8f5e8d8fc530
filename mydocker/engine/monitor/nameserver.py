"""The process that answers a container's questions for names (RFC 1035). names.py starts it at the first question; it ends when none comes.

A name of the container's networks is answered here. All else is asked of the name servers of --dns or of the host: those that are the
host's own (127.0.0.53) from the host, the others from the container's network namespace, where the container's own rules count. A container
that has only internal networks has nobody asked: a name in a question would carry data out (CVE-2024-29018).

Nothing that comes in can make it large: only so many questions are under way, and so many connections open. What is beyond is refused.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
from asyncio import DatagramProtocol, DatagramTransport, StreamReader, StreamWriter

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

from mydocker.kernel.namespaces import Inside
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dns.message import Message

    from mydocker.network.zone import Zone, Zones

_TTL = 600  # seconds, as docker's
_IDLE = 10.0  # seconds without a question after which the process ends
_PATIENCE = 2.0  # seconds for one name server to answer
_AT_ONCE = 256  # questions that are being asked of others
_CONNECTIONS = 32
_CONNECTION_IDLE = 10.0  # seconds between two questions of a connection
_MOST_UDP = 4096  # bytes of an answer, whatever the client says that it can take
_PORT = 53
_BLANK = r"\032"  # how dnspython writes the blank of a network's name (RFC 1035, 5.1)
_FAMILIES = {dns.rdatatype.A: ".", dns.rdatatype.AAAA: ":"}


class Upstream(Value):
    """A name server that is asked for what is not known here."""

    address: str
    is_hosts: bool  # it is asked from the host's network namespace


class Answering:
    """Answers questions.

    namespace: the path of the container's network namespace
    """

    def __init__(self, zones: Zones, upstreams: list[Upstream], namespace: str) -> None:
        self.zones = zones
        self.upstreams = upstreams
        self.namespace = namespace
        self.under_way = 0
        self.last = 0.0  # when something was asked, by the loop's clock

    async def answer(self, data: bytes, is_tcp: bool) -> bytes | None:
        """Return the answer to a question, or None for what is none."""
        self.last = asyncio.get_running_loop().time()
        try:
            question = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return _format_error(data)
        if question.flags & dns.flags.QR:
            return None
        if question.opcode() != dns.opcode.QUERY or len(question.question) != 1:
            return _refusal(question, dns.rcode.NOTIMP)
        try:
            zone = self.zones.current()
        except (OSError, KeyError):
            return _refusal(question, dns.rcode.SERVFAIL)  # the container has ended
        local = known(zone, question)
        if local:
            return _wire(local, 65535 if is_tcp else min(max(512, question.payload), _MOST_UDP))
        if zone.is_closed or self.under_way == _AT_ONCE:
            return _refusal(question, dns.rcode.SERVFAIL)
        self.under_way += 1
        try:
            return await self._ask_others(question, data, is_tcp) or _refusal(question, dns.rcode.SERVFAIL)
        finally:
            self.under_way -= 1

    async def _ask_others(self, question: Message, data: bytes, is_tcp: bool) -> bytes | None:
        """Ask one name server after the other. Return the first answer that is none of "I cannot"; if there is none such, the last one."""
        found = None
        for upstream in self.upstreams:
            try:
                asked = os.urandom(2) + data[2:]
                answer = await asyncio.wait_for((self._by_tcp if is_tcp else self._by_udp)(upstream, asked), _PATIENCE)
            except (OSError, EOFError, TimeoutError):
                continue
            if _answers(answer, asked, question):
                found = data[:2] + answer[2:]
                if answer[3] & 0xF not in (dns.rcode.SERVFAIL, dns.rcode.REFUSED):
                    break
        return found

    def _socket(self, upstream: Upstream, kind: socket.SocketKind) -> socket.socket:
        with Inside("" if upstream.is_hosts else self.namespace):
            made = socket.socket(socket.AF_INET6 if ":" in upstream.address else socket.AF_INET, kind)
        made.setblocking(False)
        return made

    async def _by_udp(self, upstream: Upstream, data: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with self._socket(upstream, socket.SOCK_DGRAM) as asking:
            await loop.sock_connect(asking, (upstream.address, _PORT))
            await loop.sock_sendall(asking, data)
            while True:
                answer = await loop.sock_recv(asking, 65535)
                if len(answer) > 12 and answer[:2] == data[:2]:
                    return answer

    async def _by_tcp(self, upstream: Upstream, data: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        asking = self._socket(upstream, socket.SOCK_STREAM)
        try:
            await loop.sock_connect(asking, (upstream.address, _PORT))
            reader, writer = await asyncio.open_connection(sock=asking)
        except BaseException:
            asking.close()
            raise
        try:
            writer.write(len(data).to_bytes(2, "big") + data)
            return await _frame(reader)
        finally:
            writer.close()


def known(zone: Zone, question: Message) -> Message | None:
    """Return the answer to a question about the container's networks, or None if it is about something else."""
    asked = question.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower().replace(_BLANK, " ")
    if name in zone.addresses:
        return _local(question, {kind: zone.addresses[name] for kind in _FAMILIES if asked.rdtype in (kind, dns.rdatatype.ANY)})
    if asked.rdtype != dns.rdatatype.PTR:
        return None
    try:
        owner = zone.owners.get(dns.reversename.to_address(asked.name))
    except (dns.exception.DNSException, ValueError):
        return None
    return _local(question, {dns.rdatatype.PTR: [f"{owner}.".replace(" ", _BLANK)]}) if owner else None


def _local(question: Message, found: dict[dns.rdatatype.RdataType, list[str]]) -> Message:
    """Return an answer with records: {type: texts}. Those of a name that several containers have come in another order each time."""
    answer = dns.message.make_response(question, recursion_available=True, our_payload=_MOST_UDP)
    for kind, texts in found.items():
        fitting = [text for text in dict.fromkeys(texts) if _FAMILIES.get(kind, "") in text]
        random.shuffle(fitting)
        if fitting:
            answer.answer.append(dns.rrset.from_text(question.question[0].name, _TTL, "IN", kind, *fitting))
    return answer


def _wire(answer: Message, most: int) -> bytes:
    """Return an answer as bytes. If it has more than the client can take, the client is told to ask by TCP."""
    try:
        return answer.to_wire(max_size=most)
    except dns.exception.TooBig:
        answer.answer.clear()
        answer.flags |= dns.flags.TC
        return answer.to_wire(max_size=most)


def _refusal(question: Message, code: dns.rcode.Rcode) -> bytes:
    answer = dns.message.make_response(question, recursion_available=True, our_payload=_MOST_UDP)
    answer.set_rcode(code)
    return answer.to_wire()


def _format_error(data: bytes) -> bytes | None:
    """Return the answer to what cannot be read. An answer, and what has no header, is not answered."""
    if len(data) < 12 or data[2] & 0x80:
        return None
    return data[:2] + bytes([data[2] & 0x79 | 0x80, dns.rcode.FORMERR]) + bytes(8)


def _answers(answer: bytes, asked: bytes, question: Message) -> bool:
    """Say whether a message is the answer to what was asked: the same id and the same question."""
    end = 12 + len(question.question[0].name.to_wire() or b"") + 4
    return answer[:2] == asked[:2] and answer[2] & 0x80 != 0 and answer[12:end].lower() == asked[12:end].lower()


async def _frame(reader: StreamReader) -> bytes:
    """Read one message of a connection: two bytes of length, and so many bytes."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


class _Datagrams(DatagramProtocol):
    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.transport: DatagramTransport
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: DatagramTransport) -> None:  # type: ignore[override]  # it is one
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, address))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, data: bytes, address: tuple[str, int]) -> None:
        answer = await self.answering.answer(data, is_tcp=False)
        if answer:
            self.transport.sendto(answer, address)


class _Connections:
    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.open = 0

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self.open == _CONNECTIONS:
            writer.close()
            return
        self.open += 1
        try:
            while True:
                data = await asyncio.wait_for(_frame(reader), _CONNECTION_IDLE)
                answer = await self.answering.answer(data, is_tcp=True)
                if answer:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                    await writer.drain()
        except (OSError, EOFError, TimeoutError):
            return
        finally:
            self.open -= 1
            writer.close()


async def _serve(answering: Answering, udp: socket.socket, tcp: socket.socket) -> None:
    """Answer until nothing has been asked for _IDLE seconds. The sockets stay open: the monitor has them too."""
    loop = asyncio.get_running_loop()
    connections = _Connections(answering)
    answering.last = loop.time()
    transport, datagrams = await loop.create_datagram_endpoint(lambda: _Datagrams(answering), sock=udp)
    server = await asyncio.start_server(connections.serve, sock=tcp)
    while (left := answering.last + _IDLE - loop.time()) > 0 or connections.open or datagrams.tasks:
        await asyncio.sleep(max(left, 0.5))
    server.close()
    transport.close()


def serve(zones: Zones, upstreams: list[Upstream], namespace: str, udp: int, tcp: int) -> None:
    """Answer what comes to two sockets, given by their descriptors."""
    with socket.socket(fileno=udp) as datagrams, socket.socket(fileno=tcp) as listener:
        asyncio.run(_serve(Answering(zones, upstreams, namespace), datagrams, listener))
