"""The storage drivers that exist, and the choice of one."""

from __future__ import annotations

from os import environ

from mydocker.errors import BadInput, Unsupported
from mydocker.paths import Paths
from mydocker.storage.aufs import Aufs
from mydocker.storage.base import StorageDriver
from mydocker.storage.overlay import Overlay
from mydocker.storage.vfs import Vfs
from mydocker.store import make_private, write_atomic

# The preferred driver comes first.
_DRIVERS: dict[str, type[StorageDriver]] = {"overlay": Overlay, "aufs": Aufs, "vfs": Vfs}
NAMES = list(_DRIVERS)


def driver(name: str, paths: Paths) -> StorageDriver:
    """Return the driver of a name, even if this host cannot use it. Raises BadInput for an unknown name."""
    if name not in _DRIVERS:
        raise BadInput(f"unknown storage driver {name!r}: expected {', '.join(NAMES)}")
    return _DRIVERS[name](f"{paths.layers}/{name}", paths.sys)


def choose(paths: Paths, wanted: str | None = None) -> StorageDriver:
    """Return the wanted driver or, without one, the first driver that this host can use.

    wanted: the name of a driver. Without it the environment variable MYDOCKER_STORAGE_DRIVER counts.

    Raises BadInput for an unknown name, and Unsupported if this host cannot use the wanted driver.
    """
    name = wanted or environ.get("MYDOCKER_STORAGE_DRIVER")
    if name:
        chosen = driver(name, paths)
        reason = chosen.unsupported(paths)
        if reason:
            raise Unsupported(f"storage driver {name}: {reason}")
        return chosen
    return driver(_best(paths), paths)


def _best(paths: Paths) -> str:
    """Return the name of the first driver that works here. The drivers are tried once, and the result is kept until the next boot."""
    known = paths.state + "/storage-driver"
    try:
        with open(known) as file:
            name = file.read()
    except FileNotFoundError:
        name = next(name for name in NAMES if driver(name, paths).unsupported(paths) is None)
        make_private(paths.state)
        write_atomic(known, name.encode(), sync=False)
    return name
