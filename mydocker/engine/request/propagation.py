"""Whether mounts of the host's can reach a container, or those of a container the host, as a bind asks: its source has to be shared."""

from __future__ import annotations

import os

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mydocker.engine.record.containers import MountPoint
    from mydocker.kernel.mounts import MountEntry

# What one of the optional fields of the source's mount has to begin with (proc(5)), and the words for it.
_NEEDED = {"shared": (("shared:",), "a shared mount"), "slave": (("shared:", "master:"), "a shared or slave mount")}


def check(points: Sequence[MountPoint], entries: Sequence[MountEntry]) -> None:
    """Raise BadInput for a bind whose propagation its source cannot have.

    entries: the mounts of this process, see kernel/mounts.py
    """
    for point in points:
        kind = point["propagation"].removeprefix("r")
        if kind not in _NEEDED:
            continue
        fields, words = _NEEDED[kind]
        entry = _mount_of(os.path.realpath(point["source"]), entries)
        if entry and not any(field.startswith(fields) for field in entry.optional):
            raise BadInput(f"path {point['source']} is mounted on {entry.target} but it is not {words}", "mount --make-rshared does that")


def _mount_of(path: str, entries: Sequence[MountEntry]) -> MountEntry | None:
    """Return the mount that a path is in: of those whose target is above it the longest, and the last of them."""
    above = [entry for entry in entries if path == entry.target or path.startswith(entry.target.rstrip("/") + "/")]
    return max(reversed(above), key=lambda entry: len(entry.target), default=None)
