"""An answer that tells how something goes: a JSON object a line (docker's JSONMessage). Until the first one, an error has its status."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mydocker.api.protocol import Connection
    from mydocker.images.documents import Descriptor

_BAR = 50
_RED, _PLAIN = "\x1b[91m", "\x1b[0m"  # ECMA-48, SGR
_WORDS = {"begins": "Pulling fs layer", "exists": "Already exists", "done": "Pull complete"}


class Telling:
    """The lines of one answer. is_quiet: only what the client asked to be told anyway"""

    def __init__(self, connection: Connection, is_quiet: bool = False) -> None:
        self.connection = connection
        self.is_quiet = is_quiet

    def line(self, document: dict[str, Any]) -> None:
        """Send an object."""
        if not self.connection.is_begun:
            self.connection.begin()
        self.connection.line(document)

    def status(self, text: str, identity: str = "") -> None:
        """Send the state of the whole, or of the layer with this id."""
        if not self.is_quiet:
            self.line({"status": text, **({"progressDetail": {}, "id": identity} if identity else {})})

    def stream(self, text: str) -> None:
        """Send what a build or a load says."""
        if not self.is_quiet:
            self.line({"stream": text})

    def written(self, text: str, is_error: bool) -> None:
        """Send what a command of a build writes: to standard error in red, which is what docker's clients look for."""
        if text:
            self.stream(f"{_RED}{text}{_PLAIN}" if is_error else text)

    def end(self) -> None:
        """End the answer, which may have had no line."""
        if not self.connection.is_begun:
            self.connection.begin()
        self.connection.end()

    def layers(self, layers: list[Descriptor], words: dict[str, str] | None = None) -> Callable[[int, str, int], None]:
        """Return an arrivals.Observer that tells how far the layers have come. words: {event: the text for it}"""
        names = [layer["digest"].removeprefix("sha256:")[:12] for layer in layers]
        sizes = [layer["size"] for layer in layers]
        texts = words or _WORDS

        def told(position: int, event: str, count: int) -> None:
            if event in texts:
                self.status(texts[event], names[position])
            elif event == "bytes" and not self.is_quiet:
                self.line(_progress(names[position], count, sizes[position]))

        return told


class Printing(Telling):
    """What a child process tells that builds one stage of several: text on descriptors 1 and 2, whose lines its parent passes on."""

    def line(self, document: dict[str, Any]) -> None:
        """Leave out how far a layer has come."""

    def status(self, text: str, identity: str = "") -> None:
        if not identity:
            self.stream(f"{text}\n")

    def stream(self, text: str) -> None:
        self.written(text, False)

    def written(self, text: str, is_error: bool) -> None:
        data = text.encode()
        while data:
            data = data[os.write(2 if is_error else 1, data) :]


def _progress(name: str, count: int, size: int) -> dict[str, Any]:
    from mydocker.engine.view import human

    done = min(_BAR, _BAR * count // size) if size else _BAR
    bar = ("=" * done + ">")[:_BAR].ljust(_BAR)
    shown = f"[{bar}] {human.size(count):>7}/{human.size(size)}"
    return {"status": "Downloading", "progressDetail": {"current": count, "total": size}, "progress": shown, "id": name}
