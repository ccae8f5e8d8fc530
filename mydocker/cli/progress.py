"""Show how far the layers of an image have come: with bars on a terminal, and with a line for each event elsewhere."""

from __future__ import annotations

from mydocker.cli.redrawn import Redrawn, is_terminal
from mydocker.engine.view import human

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from mydocker.images.documents import Descriptor

_BAR = 50
_WORDS = {"begins": "Pulling fs layer", "exists": "Already exists", "done": "Pull complete"}


class Layers:
    """The layers of one image, in their order. It is an arrivals.Observer: it is called with each event of a layer.

    words: {event: the text that is shown for it}, None for those of pull
    """

    def __init__(self, layers: Sequence[Descriptor], out: TextIO, words: dict[str, str] | None = None) -> None:
        self._names = [layer["digest"].removeprefix("sha256:")[:12] for layer in layers]
        self._sizes = [layer["size"] for layer in layers]
        self._out = out
        self._words = words or _WORDS
        self._on_terminal = is_terminal(out)
        self._states = ["Waiting"] * len(layers)
        self._settled = [False] * len(layers)
        self._drawn = Redrawn(out)

    def __call__(self, position: int, event: str, count: int) -> None:
        if self._settled[position] or (event == "bytes" and not self._on_terminal):
            return
        self._settled[position] = event in ("exists", "done")
        self._states[position] = _bar(count, self._sizes[position]) if event == "bytes" else self._words.get(event, "")
        if self._on_terminal:
            self._drawn.draw([f"{name}: {state}" for name, state in zip(self._names, self._states, strict=True) if state])
        elif self._states[position]:
            print(f"{self._names[position]}: {self._states[position]}", file=self._out, flush=True)


def _bar(count: int, size: int) -> str:
    done = _BAR * count // size if size else _BAR
    filled = ("=" * done + ">")[:_BAR].ljust(_BAR)
    return f"Downloading [{filled}] {human.size(count):>7}/{human.size(size)}"
