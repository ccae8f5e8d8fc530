"""Plays what a client asks a daemon of docker's API, byte by byte as that client says it, and compares what it reads of the answers.

A recording (tests/data/clients/NAME.json) is written from the client's source: it has

    client     its name, its version, and in which files of it the requests are made
    headers    those of each request
    requests   one after the other, each with
        why       what the client does it for
        send      method and path with query; {name} stands for a value that was kept
        headers   more of them; body: a document, tar: {name: text}, gzip: whether that is compressed
        input     what is said on a connection that was taken over; newline: what ends a line of the head; after: what follows the body
        status    of the answer
        told      headers of the answer
        reads     the answer's document, as far as the client looks at it
        documents those of a stream, in this order, others may stand between them; frames: {out, err}, raw: what else a stream says
        ends      true: the stream is read to its end
        open      a name: the stream stays open, and is read by a later step {from: name, documents: …}

What a client reads is written as an answer with these words for values:

    <id>, <digest>, <time>, …     a text of a form (apireference.FORMS)
    <text>, <number>, <list>, <object>, <any>
    <id:name>                     the same, kept under a name
    ~pattern                      a text that a regular expression describes
    [x, y]                        a list in which an element is like x, and one like y
    {"a": x}                      an object that has this; {"...": "{name}", "a": x} in a request: one that was kept, with a change
"""

from __future__ import annotations

import gzip
import http.client
import io
import json
import re
import socket
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from struct import unpack
from time import monotonic, sleep
from typing import Any

from apireference import FORMS
from conftest import FACTOR

DIRECTORY = Path(__file__).parents[1] / "data/clients"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.json"))

_KINDS: dict[str, type | tuple[type, ...]] = {"text": str, "number": (int, float), "list": list, "object": dict, "any": object}
_STREAMS = {1: "out", 2: "err"}


class Unlike(Exception):
    """An answer that is not what a client reads."""


def compare(wanted: Any, found: Any, kept: dict[str, Any], where: str = "") -> None:
    """Raise Unlike if an answer is not what a client reads, and keep what is to be kept."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, each in wanted.items():
            if key not in found:
                raise Unlike(f"{where}.{key} is missing in {sorted(found)}")
            compare(each, found[key], kept, f"{where}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list):
        for each in wanted:
            _find(each, found, kept, where)
    elif not _is_like(wanted, found, kept):
        raise Unlike(f"{where}: {found!r} is not {wanted!r}")


def _find(wanted: Any, found: list[Any], kept: dict[str, Any], where: str) -> None:
    reasons = []
    for each in found:
        try:
            compare(wanted, each, kept, f"{where}[]")
            return
        except Unlike as error:
            reasons.append(str(error))
    raise Unlike("; ".join(reasons) or f"{where} is empty")


def _is_like(wanted: Any, found: Any, kept: dict[str, Any]) -> bool:
    word = re.fullmatch(r"<([a-z ]+)(?::(\w+))?>", wanted) if isinstance(wanted, str) else None
    if word is None:
        if isinstance(wanted, str) and wanted[:1] == "~":
            return isinstance(found, str) and re.fullmatch(wanted[1:], found, re.DOTALL) is not None
        return type(wanted) is type(found) and bool(wanted == found)
    form, name = word.groups()
    if form in FORMS:
        fits = isinstance(found, str) and re.fullmatch(FORMS[form], found) is not None
    else:
        fits = isinstance(found, _KINDS[form]) and (form == "any" or not isinstance(found, bool))
    if fits and name:
        kept[name] = found
    return fits


class _Answer:
    """The answer to one request, read as far as is needed."""

    def __init__(self, client: socket.socket, method: str) -> None:
        self._head = http.client.HTTPResponse(client, method=method)
        self._head.begin()
        self.status, self.headers = self._head.status, self._head.headers
        self._socket = client
        self.read = b""
        self.documents = self._each()

    def more(self) -> bool:
        """Read what has come. Return False at the end."""
        # 101 has no body for the library; what follows it is ours.
        piece = self._head.fp.read1(1 << 16) if self.status == 101 else self._head.read1(1 << 16)
        self.read += piece
        return piece != b""

    def whole(self) -> bytes:
        """Return all of it."""
        while self.more():
            pass
        return self.read

    def _each(self) -> Iterator[Any]:
        """Yield the documents of a stream, each on a line."""
        told = 0
        while self.more():
            *lines, _ = self.read.split(b"\n")
            yield from map(json.loads, filter(None, map(bytes.strip, lines[told:])))
            told = len(lines)

    def close(self) -> None:
        self._head.close()
        self._socket.close()


class Player:
    """Plays recordings to the daemon at a socket.

    patience: for so many seconds a GET is asked again until its answer is as it should be
    """

    def __init__(self, path: str, kept: dict[str, Any], patience: float = 0) -> None:
        self.path = path
        self._patience = patience
        self.kept = {"socket": path, **kept}
        self._open: dict[str, _Answer] = {}

    def play(self, name: str) -> list[str]:
        """Play a recording, and return what the client would have read wrongly, a line each. The rest is played all the same."""
        recording = json.loads((DIRECTORY / f"{name}.json").read_text())
        wrong = []
        try:
            for step in recording["requests"]:
                try:
                    self._step(recording.get("headers", {}), step)
                except (Unlike, OSError, KeyError, http.client.HTTPException) as error:
                    wrong.append(f"{step.get('send') or step['from']}: {error!s} ({step['why']})")
        finally:
            for answer in self._open.values():
                answer.close()
        return wrong

    def _step(self, headers: dict[str, str], step: dict[str, Any]) -> None:
        if "from" in step:
            return self._documents(self._open[step["from"]], step["documents"])
        deadline = monotonic() + self._patience
        while True:
            try:
                return self._ask(headers, step)
            except Unlike:
                if not step["send"].startswith("GET ") or monotonic() >= deadline:
                    raise
            sleep(0.02)

    def _ask(self, headers: dict[str, str], step: dict[str, Any]) -> None:
        with ExitStack() as stack:
            client = socket.socket(socket.AF_UNIX)
            stack.callback(client.close)
            client.settimeout(30 * FACTOR)
            client.connect(self.path)
            client.sendall(self._request(headers, step))
            answer = _Answer(client, step["send"].partition(" ")[0])
            stack.callback(answer.close)
            self._check_head(answer, step)
            if "input" in step:
                client.sendall(step["input"].encode())
            if "documents" in step:
                self._documents(answer, step["documents"])
            elif "frames" in step or "raw" in step:
                self._bytes(answer, step)
            elif "reads" in step:
                compare(self._filled(step["reads"]), json.loads(answer.whole() or b"null"), self.kept)
            elif "files" in step:
                compare(step["files"], _files(answer.whole()), self.kept)
            if "open" in step:
                self._open[step["open"]] = answer
                stack.pop_all()

    def _request(self, headers: dict[str, str], step: dict[str, Any]) -> bytes:
        method, path = step["send"].split(" ", 1)
        body: bytes = _tar(step["tar"], step.get("gzip", False)) if "tar" in step else b""
        if "body" in step:
            body = json.dumps(self._filled(step["body"])).encode() + b"\n"
        told = {**headers, **step.get("headers", {})}
        if body or method in ("POST", "PUT"):
            told["Content-Length"] = str(len(body))
        end: str = step.get("newline", "\r\n")
        lines = [f"{method} {self._filled(path)} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
        after: str = step.get("after", "")
        return end.join(lines).encode() + body + after.encode()

    def _filled(self, value: Any) -> Any:
        """Return what is said, with the values that were kept."""
        if isinstance(value, dict):
            filled = {self._filled(key): self._filled(each) for key, each in value.items()}
            return {**filled.pop("...", {}), **filled}
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if not isinstance(value, str):
            return value
        name = value[1:-1]
        return self.kept[name] if value == f"{{{name}}}" and name in self.kept else self._text(value)

    def _text(self, text: str) -> str:
        return re.sub(r"\{([a-z]\w*)\}", lambda found: str(self.kept[found[1]]), text)

    def _check_head(self, answer: _Answer, step: dict[str, Any]) -> None:
        if answer.status != step["status"]:
            raise Unlike(f"status {answer.status} is not {step['status']}: {answer.whole()[:300]!r}")
        compare(step.get("told", {}), dict(answer.headers.items()), self.kept)

    def _documents(self, answer: _Answer, wanted: list[Any]) -> None:
        deadline = monotonic() + 10 * FACTOR  # a stream of statistics has no end
        for each in self._filled(wanted):
            last = "the stream has ended"
            for document in answer.documents:
                try:
                    compare(each, document, self.kept)
                    break
                except Unlike as error:
                    last = str(error)
                if monotonic() > deadline:
                    raise Unlike(f"no document is like {each}: {last}")
            else:
                raise Unlike(f"no document is like {each}: {last}")

    def _bytes(self, answer: _Answer, step: dict[str, Any]) -> None:
        """Read a stream as far as it says what the client waits for, or to its end: only then what began it has ended, too."""
        if step.get("ends"):
            answer.whole()
        wanted = self._filled(step["frames"]) if "frames" in step else step["raw"]
        while True:
            found: Any = _framed(answer.read) if "frames" in step else answer.read.decode(errors="replace")
            try:
                return compare(wanted, found, self.kept)
            except Unlike as error:
                if not answer.more():
                    raise error


def _framed(data: bytes) -> dict[str, str]:
    """Return what docker's frames say on each stream. A frame that is not whole yet is left out."""
    said = dict.fromkeys(_STREAMS.values(), "")
    while len(data) >= 8:
        stream, length = unpack(">BxxxI", data[:8])
        if stream not in _STREAMS:
            raise Unlike(f"no frame begins with {data[:8]!r}")
        if len(data) < 8 + length:
            break
        said[_STREAMS[stream]] += data[8 : 8 + length].decode(errors="replace")
        data = data[8 + length :]
    return said


def _tar(files: dict[str, str], is_compressed: bool) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue()) if is_compressed else packed.getvalue()


def _files(data: bytes) -> dict[str, str]:
    """Return the files of a tar by name."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: found.read().decode() for member in archive if (found := archive.extractfile(member))}
