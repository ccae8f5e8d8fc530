"""The default network, `bridge`. It comes into being with the first container that needs it."""

from __future__ import annotations

import binascii
import os
import time

from mydocker import store
from mydocker.network import pools, records
from mydocker.network.records import DEFAULT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.records import Network
    from mydocker.paths import Paths

_INTERFACE = "mydocker0"


def fixed_id(paths: Paths, name: str) -> str:
    """Return the id of a network that no user makes. It is always the same for one ROOT, and another ROOT has another id."""
    return "".join(f"{binascii.crc32(f'{part} {name} {paths.root}'.encode()):08x}" for part in range(8))


def network(paths: Paths) -> Network:
    """Return the record of the default network: as it is, or as it would be if it were made now."""
    if os.path.isdir(records.directory(paths, DEFAULT)):
        return records.load(paths, DEFAULT)
    taken = [*pools.host_subnets(), *records.subnets(records.every(paths))]
    identity = fixed_id(paths, DEFAULT)
    return {
        "id": identity,
        "name": DEFAULT,
        "driver": "bridge",
        "createdAt": time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime()),
        "subnets": [pools.entry(pools.choose(taken), "", "")],
        "internal": False,
        "ipv6": False,
        "options": {},
        "labels": {},
        "interface": _INTERFACE if paths.root == "/var/lib/mydocker" else f"mb{identity[:12]}",
    }


def ensure(paths: Paths) -> None:
    """Make the record of the default network unless there is one."""
    if not os.path.isdir(records.directory(paths, DEFAULT)):
        store.make_private(paths.networks)
        with records.everything(paths):
            if not os.path.isdir(records.directory(paths, DEFAULT)):
                records.save_new(paths, network(paths))
