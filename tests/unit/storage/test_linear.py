"""The work of diff and commit grows with the number of files, and not faster. Counted are the instructions of Python's bytecode."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from mydocker.images.archive import LayerWriter
from mydocker.images.config import history_entry, new_document
from mydocker.images.draft import Draft, StoreLayer
from mydocker.images.layout import ImageLayout
from mydocker.steps.base import Run
from mydocker.storage.aufs import Aufs
from mydocker.storage.base import StorageDriver
from mydocker.storage.overlay import Overlay
from mydocker.storage.vfs import Vfs

FEW, TIMES = 60, 10
BASE = "b" * 64
TIME = "2026-01-01T00:00:00Z"


def work(action: Callable[[], Any]) -> int:
    """Return how many instructions of Python's bytecode an action executes."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


class Container:
    """A container with a layer of so many files below, of which it changed half, and with as many of its own. A fifth are links."""

    def __init__(self, kind: type[StorageDriver], place: Path, count: int) -> None:
        self.driver = kind(f"{place}/layers/{kind.name}", "/sys")
        self.directory = f"{place}/container"
        below, own = Path(self.driver.layer(BASE)), Path(self.directory, kind.writable)
        fill(below, "old", count)
        fill(own, "own", count)
        for number in range(count if kind is Vfs else count // 2):
            path = own / f"old/{number // 50}/{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("changed" if number % 2 else "x")

    def changes(self) -> None:
        self.driver.changes(self.directory, [BASE])

    def commit(self, layout: ImageLayout) -> None:
        def fill(layer: LayerWriter) -> None:
            self.driver.diff(self.directory, [BASE], layer.as_binary(), {"/proc", "/sys", "/etc/hosts"})

        with Draft(layout, new_document("linux/amd64", {}, TIME), [], []) as draft:
            Run("unit").execute([StoreLayer(draft, "", fill, history_entry(TIME)), *draft.store_steps(None)])


def fill(root: Path, name: str, count: int) -> None:
    for number in range(count):
        path = root / name / str(number // 50) / str(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % 5:
            path.write_text("x")
        else:
            os.link(path.parent / "first", path) if (path.parent / "first").exists() else (path.parent / "first").write_text("x")


@pytest.mark.parametrize("kind", [Overlay, Aufs, Vfs])
def test_diff_is_linear(kind: type[StorageDriver], tmp_path: Path) -> None:
    few, many = (work(Container(kind, tmp_path / str(count), count).changes) for count in (FEW, FEW * TIMES))
    assert few > 3 * FEW and many < few * TIMES * 1.2


@pytest.mark.parametrize("kind", [Overlay, Aufs, Vfs])
def test_commit_is_linear(kind: type[StorageDriver], tmp_path: Path) -> None:
    counted = []
    for count in (FEW, FEW * TIMES):
        container, layout = Container(kind, tmp_path / str(count), count), ImageLayout(f"{tmp_path}/{count}/images")
        layout.create()
        counted.append(work(lambda container=container, layout=layout: container.commit(layout)))  # type: ignore[misc]
    few, many = counted
    assert few > 10 * FEW and many < few * TIMES * 1.2


def test_quadratic_work_is_seen() -> None:
    def quadratic(count: int) -> int:
        numbers = range(count)
        return work(lambda: [number for number in numbers if any(other == -number for other in numbers)])

    assert quadratic(FEW * TIMES) > quadratic(FEW) * TIMES * 5
