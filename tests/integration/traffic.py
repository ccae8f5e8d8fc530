"""Real packets for the network tests: a server and a client for TCP and UDP, run with nsenter in the namespace that they are to be in.

serve PORT               until killed: TCP and SCTP answer a line, GIVE N with N bytes, PEER with who asks; UDP sends back
ask PROTOCOL HOST PORT   send the words and print the answer; exit 1 with the error's name when there is none
many HOST PORT N         N connections one after the other; print how many were answered
take HOST PORT N         receive N bytes; print how many and their SHA-256
"""

from __future__ import annotations

import hashlib
import os
import selectors
import socket
import sys
from collections.abc import Callable

TIMEOUT = 2
KINDS = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0), "sctp": (socket.SOCK_STREAM, 132)}


def serve(port: int) -> None:
    chosen = selectors.DefaultSelector()
    for kind, protocol in KINDS.values():
        try:
            server = socket.socket(socket.AF_INET6, kind, protocol)
        except OSError:
            continue  # a kernel without SCTP
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            server.listen(128)
        chosen.register(server, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in chosen.select():
            server = key.fileobj  # type: ignore[assignment]
            if key.data == socket.SOCK_DGRAM:
                data, peer = server.recvfrom(65536)
                server.sendto(data, peer)
            else:
                answer(*server.accept())


def answer(client: socket.socket, peer: tuple[object, ...]) -> None:
    with client:
        client.settimeout(TIMEOUT)
        words = client.makefile().readline().split()
        if words[:1] == ["GIVE"]:
            block = bytes(range(256)) * 256
            left = int(words[1])
            while left:
                # Whole blocks: where a short send ended must not show in the bytes that arrive.
                client.sendall(block[:left])
                left -= min(left, len(block))
        else:
            text = str(peer[0]).removeprefix("::ffff:") if words == ["PEER"] else " ".join(words)
            client.sendall(text.encode() + b"\n")


def connected(host: str, port: str, protocol: str = "tcp") -> socket.socket:
    client = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, *KINDS[protocol])
    client.settimeout(TIMEOUT)
    client.connect((host, int(port)))
    return client


def ask(protocol: str, host: str, port: str, *words: str) -> None:
    try:
        with connected(host, port, protocol) as client:
            client.sendall(" ".join(words).encode() + b"\n")
            print(client.recv(65536).decode().strip())
    except OSError as error:
        print(type(error).__name__)
        sys.exit(1)


def many(host: str, port: str, number: str) -> None:
    answered = 0
    for turn in range(int(number)):
        with connected(host, port) as client:
            client.sendall(f"{turn}\n".encode())
            answered += client.recv(100).decode() == f"{turn}\n"
    print(answered)


def take(host: str, port: str, number: str) -> None:
    digest, size = hashlib.sha256(), 0
    with connected(host, port) as client:
        client.sendall(f"GIVE {number}\n".encode())
        while data := client.recv(1 << 20):
            digest.update(data)
            size += len(data)
    print(size, digest.hexdigest())


if __name__ == "__main__":
    os.chdir("/")
    verb, *arguments = sys.argv[1:]
    if verb == "serve":
        serve(int(arguments[0]))
    verbs: dict[str, Callable[..., None]] = {"ask": ask, "many": many, "take": take}
    verbs[verb](*arguments)
