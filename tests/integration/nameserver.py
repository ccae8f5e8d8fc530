"""A name server and a client of it, with the standard library only: they run inside network namespaces.

python3 nameserver.py                         serve at port 53; each question is printed, as udp:NAME or tcp:NAME
python3 nameserver.py ask ADDRESS NAME        print 'truncated' if UDP says so, and how many addresses TCP has then
python3 nameserver.py garbage ADDRESS         send what is no question
"""

from __future__ import annotations

import random
import select
import socket
import struct
import sys

MANY = 60  # addresses of long.test: too many for 512 bytes


def name_of(question: bytes) -> str:
    labels, position = [], 12
    while length := question[position]:
        labels.append(question[position + 1 : position + 1 + length].decode())
        position += 1 + length
    return ".".join(labels)


def answer(question: bytes, is_tcp: bool) -> bytes:
    """Return the answer: there.test has one address, long.test has many, all else is unknown."""
    name = name_of(question)
    end = 12 + len(name) + 2 + 4
    kind = struct.unpack_from("!H", question, end - 4)[0]
    count = {"there.test": 1, "long.test": MANY}.get(name, 0) if kind == 1 else 0
    is_cut = count == MANY and not is_tcp
    records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 7 + number]) for number in range(count))
    code = 0 if name in ("there.test", "long.test") else 3
    flags = 0x8180 | (0x200 if is_cut else 0) | code
    return question[:2] + struct.pack("!HHHHH", flags, 1, 0 if is_cut else count, 0, 0) + question[12:end] + (b"" if is_cut else records)


def framed(stream: socket.socket) -> bytes:
    file = stream.makefile("rb")
    return file.read(int.from_bytes(file.read(2), "big"))


def serve() -> None:
    udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
    for each in (udp, tcp):
        each.bind(("0.0.0.0", 53))
    tcp.listen()
    print("ready", flush=True)
    while True:
        for ready in select.select([udp, tcp], [], [])[0]:
            if ready is udp:
                question, sender = udp.recvfrom(65535)
                print(f"udp:{name_of(question)}", flush=True)
                udp.sendto(answer(question, False), sender)
            else:
                stream, _ = tcp.accept()
                question = framed(stream)
                print(f"tcp:{name_of(question)}", flush=True)
                made = answer(question, True)
                stream.sendall(len(made).to_bytes(2, "big") + made)
                stream.close()


def query(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


def ask(address: str, name: str) -> None:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(10)
    udp.connect((address, 53))
    udp.send(query(name))
    found = udp.recv(65535)
    if found[2] & 2:
        print("truncated")
        tcp = socket.create_connection((address, 53), 10)
        tcp.sendall(len(query(name)).to_bytes(2, "big") + query(name))
        found = framed(tcp)
    print(struct.unpack_from("!H", found, 6)[0])


def garbage(address: str) -> None:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect((address, 53))
    numbers = random.Random(1)
    for length in range(200):
        udp.send(numbers.randbytes(length))
        udp.send(query("web")[:2] + numbers.randbytes(2) + b"\0\1" + bytes(6) + numbers.randbytes(length))
    for data in (b"\xff\xff", b"\0\5abc", b"\0\0", b"\0\x0c" + bytes(12)):
        tcp = socket.create_connection((address, 53), 10)
        tcp.sendall(data)
        tcp.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["ask"]:
        ask(*sys.argv[2:])
    elif sys.argv[1:2] == ["garbage"]:
        garbage(*sys.argv[2:])
    else:
        serve()
