"""How far somebody has come. It is kept below XDG_STATE_HOME (the XDG base directory specification), and changed under a lock."""

from __future__ import annotations

import os

from mydocker import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypedDict

    class Progress(TypedDict):
        """progress.json."""

        current: int  # the lesson that was last looked at
        done: list[int]  # those whose exercise was found done
        hints: dict[str, int]  # how many hints of a lesson were given


PROGRESS = {"current": ("natural", 0), "done": (["natural"], []), "hints": ({"*": "natural"}, {})}


def place(environment: Mapping[str, str]) -> str:
    """Return learn's own directory, outside of which it writes nothing."""
    state = environment.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):  # the specification has relative paths ignored
        state = os.path.join(environment.get("HOME") or "/root", ".local", "state")
    return os.path.join(state, "mydocker", "learn")


def load(directory: str) -> Progress:
    """Return the progress that is kept in a directory. Raises Damaged."""
    try:
        found: Progress = store.read_document(f"{directory}/progress.json", PROGRESS)
    except FileNotFoundError:
        return {"current": 0, "done": [], "hints": {}}
    return found


def change(directory: str, action: Callable[[Progress], None]) -> Progress:
    """Change what is kept, so that of two who do it at once neither undoes what the other did. Return what is kept now."""
    store.make_private(directory)
    with store.Lock(f"{directory}/progress.lock"):
        progress = load(directory)
        before = repr(progress)
        action(progress)
        if repr(progress) != before:
            store.write_json(f"{directory}/progress.json", progress)
    return progress
