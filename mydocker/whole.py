"""Trees that are whole or not there at all."""

from __future__ import annotations

import os

from mydocker.store import remove_tree


class Whole:
    """A `with` block that makes a tree beside its path. The tree gets the path when it is complete, and a failure leaves nothing of it."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> str:
        remove_tree(self.path + ".partial")
        return self.path + ".partial"

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        if kind is None:
            os.rename(self.path + ".partial", self.path)
        else:
            remove_tree(self.path + ".partial")
