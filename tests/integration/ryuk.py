"""A stand-in for ryuk, the container with which testcontainers removes what a test run has left: it does the same by the same means.

Whoever started it connects to port 8080 and says the labels of what is to be removed, a line `label=NAME=VALUE&label=…` each. When that
connection ends, all of it is removed through the socket that is mounted into this container. It needs nothing but Python's own modules.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

_SOCKET = "/var/run/docker.sock"


def _ask(method: str, path: str) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(_SOCKET)
        client.sendall(f"{method} /v1.41{path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        data = b"".join(iter(lambda: client.recv(65536), b""))
    body = data.partition(b"\r\n\r\n")[2]
    return json.loads(body) if body[:1] in (b"[", b"{") else None


def _remove(filters: str) -> None:
    for found in _ask("GET", f"/containers/json?all=1&filters={filters}"):
        if not found["Id"].startswith(socket.gethostname()):
            _ask("DELETE", f"/containers/{found['Id']}?force=1&v=1")
    for found in _ask("GET", f"/networks?filters={filters}"):
        _ask("DELETE", f"/networks/{found['Id']}")
    for found in _ask("GET", f"/volumes?filters={filters}")["Volumes"]:
        _ask("DELETE", f"/volumes/{found['Name']}?force=1")
    for found in _ask("GET", f"/images/json?filters={filters}"):
        _ask("DELETE", f"/images/{found['Id']}?force=1")


def _wanted(client: socket.socket) -> Iterator[dict[str, list[str]]]:
    """Yield the filters that a client says, until it goes."""
    stream = client.makefile("rwb")
    try:
        for line in stream:
            yield parse_qs(line.decode().strip())
            stream.write(b"ACK\n")
            stream.flush()
    except ConnectionError:
        return  # it has gone without having read its answers


def serve() -> None:
    """Serve one run of tests."""
    listener = socket.create_server(("", 8080))
    print("ryuk's stand-in: Started!", flush=True)
    client, _ = listener.accept()
    for filters in list(_wanted(client)):
        _remove(quote(json.dumps(filters)))
    _ask("DELETE", f"/containers/{socket.gethostname()}?force=1")


def pack(path: str, libraries: list[str]) -> None:
    """Write an archive for `docker import`: this file, the interpreter that runs it and what that needs. libraries: the linker's"""
    with tarfile.open(path, "w") as archive:
        for each in _files(libraries):
            archive.add(os.path.realpath(each), each, recursive=False)
        archive.add(__file__, "/ryuk.py")


def _files(libraries: list[str]) -> Iterator[str]:
    modules = Path(sysconfig.get_path("stdlib"))
    yield from (os.path.realpath(sys.executable), *libraries)
    yield from map(str, modules.glob("*.py"))
    yield from map(str, modules.glob("lib-dynload/*.so"))
    for package in ("collections", "encodings", "importlib", "json", "re", "urllib"):
        yield from map(str, (modules / package).rglob("*.py"))


if __name__ == "__main__":
    serve()
