"""Which names the file systems of storage drivers can hold."""

from __future__ import annotations

from os import fsencode

from mydocker.errors import Conflict

# A whiteout has four bytes more, and aufs keeps some for names of its own.
LONGEST_AUFS_NAME = 242
# The options of mount(2) separate paths by these characters, and AUFS has no way to escape them.
_FORBIDDEN = ",:=\\"


def is_for_others(name: str) -> bool:
    """Return whether aufs refuses to make a file of this name, which other file systems take."""
    return name.startswith(".wh.") or LONGEST_AUFS_NAME < len(fsencode(name)) < 256


def check_path(path: str) -> None:
    """Raise Conflict if a path cannot stand in mount options."""
    for character in _FORBIDDEN:
        if character in path:
            raise Conflict(f"root directory {path!r} contains {character!r}, which mount options cannot hold", "use another --root")
