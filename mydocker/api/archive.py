"""Endpoints about a container's files as a tar."""

from __future__ import annotations

import base64
import json

from mydocker.api import names
from mydocker.api.call import EMPTY, NOTHING, Answer, Call
from mydocker.engine.container import archive, sides, snapshots
from mydocker.engine.record import events
from mydocker.engine.record.moments import timestamp
from mydocker.errors import BadInput
from mydocker.storage import drivers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_CHUNK = 1 << 18
_TAR = "application/x-tar"


def head(call: Call) -> Answer:
    """HEAD /containers/ID/archive"""
    found: list[archive.PathStat] = []
    path = _path(call)
    archive.reach(call.paths, names.container(call), lambda inside: found.append(archive.look(inside, path)))
    return Answer(NOTHING, headers=_header(found[0]))


def _path(call: Call) -> str:
    path = call.text("path")
    if not path or "\0" in path:
        raise BadInput("invalid path '': expected the path of a file in the container")
    return path


def _header(found: archive.PathStat) -> tuple[tuple[str, str], ...]:
    told = {"name": found.name, "size": found.size, "mode": found.mode, "mtime": timestamp(found.modified), "linkTarget": found.target}
    return (("X-Docker-Container-Path-Stat", base64.b64encode(json.dumps(told).encode()).decode()),)


def get(call: Call) -> None:
    """GET /containers/ID/archive"""
    path = _path(call)

    def work(inside: sides.Container) -> None:
        headers = _header(archive.look(inside, path))
        archive.send(inside, path, lambda stream: _send(call, stream, headers))

    archive.reach(call.paths, names.container(call), work)


def _send(call: Call, stream: BinaryIO, headers: tuple[tuple[str, str], ...]) -> None:
    call.connection.begin(_TAR, headers=headers)
    while chunk := stream.read(_CHUNK):
        call.connection.write(chunk)
    call.connection.end()


def put(call: Call) -> Answer:
    """PUT /containers/ID/archive"""
    path, strict, to_user = _path(call), call.flag("noOverwriteDirNonDir"), call.flag("copyUIDGID")

    def give(stream: BinaryIO) -> None:
        for piece in call.connection.body():
            stream.write(piece)

    archive.reach(call.paths, names.container(call), lambda inside: archive.receive(inside, path, give, strict, to_user))
    return EMPTY


def export(call: Call) -> None:
    """GET /containers/ID/export"""
    record = names.container(call)
    stream = _Tar(call)
    snapshots.export(call.paths, drivers.driver(record["storageDriver"], call.paths), record, stream)  # type: ignore[arg-type]
    call.connection.end()
    events.of_container(call.paths, record, "export")


class _Tar:
    """A file whose first bytes begin the answer: until then, an error can be told."""

    def __init__(self, call: Call) -> None:
        self.connection = call.connection

    def write(self, data: bytes) -> int:
        if not self.connection.is_begun:
            self.connection.begin("application/octet-stream")
        return self.connection.write(data)
