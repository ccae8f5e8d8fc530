"""Which storage drivers there are, and choosing one."""

from __future__ import annotations

from os import environ

from mydocker.errors import BadInput, Damaged, Unsupported
from mydocker.paths import Paths
from mydocker.storage.aufs import Aufs
from mydocker.storage.base import StorageDriver
from mydocker.storage.overlay import Overlay
from mydocker.storage.vfs import Vfs
from mydocker.store import make_private, read_whole, remove_tree, write_atomic

# In the order of preference.
_DRIVERS: dict[str, type[StorageDriver]] = {"overlay": Overlay, "aufs": Aufs, "vfs": Vfs}
NAMES = list(_DRIVERS)


def driver(name: str, paths: Paths) -> StorageDriver:
    """Return a driver by name, whether this host can use it or not."""
    if name not in _DRIVERS:
        raise BadInput(f"unknown storage driver {name!r}: expected {', '.join(NAMES)}")
    return _DRIVERS[name](f"{paths.layers}/{name}", paths.sys)


def choose(paths: Paths, wanted: str | None = None) -> StorageDriver:
    """Return the driver that is wanted (or MYDOCKER_STORAGE_DRIVER says), else the first that this host can use."""
    name = wanted or environ.get("MYDOCKER_STORAGE_DRIVER")
    if name:
        chosen = driver(name, paths)
        reason = chosen.unsupported(paths)
        if reason:
            raise Unsupported(f"storage driver {name}: {reason}")
        return chosen
    return driver(_best(paths), paths)


def _best(paths: Paths) -> str:
    """Return the first driver that works here; trying them out is done once between reboots."""
    known = paths.state + "/storage-driver"
    try:
        name = read_whole(known).decode(errors="replace")
    except (FileNotFoundError, Damaged):
        name = ""
    if name not in NAMES:
        name = next(name for name in NAMES if driver(name, paths).unsupported(paths) is None)
        make_private(paths.state)
        remove_tree(known)
        write_atomic(known, name.encode(), sync=False)
    return name
