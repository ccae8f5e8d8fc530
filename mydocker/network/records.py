"""The records of networks: ROOT/networks/NAME/network.json (NETWORK below). A record is complete from the moment it is there.

The network `bridge` comes into being with the first container that needs it (default.py).
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.network.addresses import Subnet
from mydocker.objectlock import ObjectLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class SubnetEntry(TypedDict):
        """A subnet of a network, as the network's record has it. addresses.Subnet is the form for calculations."""

        subnet: str
        gateway: str
        range: str
        reserved: NotRequired[dict[str, str]]

    class Network(TypedDict):
        """ROOT/networks/NAME/network.json."""

        id: str
        name: str
        driver: str
        createdAt: str
        subnets: list[SubnetEntry]
        internal: bool
        attachable: NotRequired[bool]
        ipamOptions: NotRequired[bool]
        ipv6: bool
        options: dict[str, str]
        labels: dict[str, str]
        interface: str


SUBNET_ENTRY: Shape = {
    "subnet!": "text",  # ADDRESS/PREFIX
    "gateway": ("text", ""),  # the host's address in the subnet, '' for none
    "range": ("text", ""),  # the part of the subnet whose addresses containers get, '' for all of it
    "reserved": {"*": "text"},  # addresses that no container gets, by any names
}
NETWORK: Shape = {
    "id!": "text",  # 64 hexadecimal digits
    "name!": "text",
    "driver!": "text",  # 'bridge', 'vxlan', 'macvlan', 'ipvlan', 'none' or 'cni'
    "createdAt!": "text",  # RFC 3339, UTC
    "subnets!": [SUBNET_ENTRY],  # one for IPv4, one for IPv6, or both; none where mydocker gives out no addresses
    "internal": ("truth", False),  # whether it leads nowhere but to its own containers
    "attachable": "truth",  # said by a client of the API, and shown again: any container may be attached to any network here
    "ipamOptions": "truth",  # said by a client of the API: whether it gave an object of options, which is always empty, or none
    "ipv6": ("truth", False),
    "options": ({"*": "text"}, {}),  # what --opt said
    "labels": ({"*": "text"}, {}),
    "interface!": "text",  # the host's interface: the bridge, or the one that macvlan and ipvlan share
}

DEFAULT = "bridge"
# What lists show as the driver of a network whose record cannot be read.
DAMAGED = "damaged"
# What docker calls networks too, although nobody makes them.
MODES = ("host", "none")
_ID_LENGTH = 64  # hexadecimal digits


def directory(paths: Paths, name: str) -> str:
    """Return a network's directory."""
    return f"{paths.networks}/{name}"


def claims(paths: Paths, name: str) -> str:
    """Return the directory of the claims on a network's addresses."""
    return f"{paths.addresses}/{name}"


def names(paths: Paths) -> list[str]:
    """Return the names of all networks that were made."""
    try:
        return sorted(name for name in os.listdir(paths.networks) if not name.startswith("."))
    except FileNotFoundError:
        return []


def load(paths: Paths, name: str) -> Network:
    """Return a network's record. Raises NotFound if there is none, Damaged if the file is not such a document."""
    try:
        if "/" in name or name.startswith("."):
            raise NotFound(f"no such network: {name}")
        record: Network = store.read_document(f"{directory(paths, name)}/network.json", NETWORK)
    except FileNotFoundError as error:
        if os.path.isdir(directory(paths, name)):
            raise Damaged(f"{directory(paths, name)}/network.json: is missing") from error
        raise NotFound(f"no such network: {name}") from error
    return record


def every(paths: Paths) -> list[Network]:
    """Return the records of all networks; one that is removed meanwhile, or damaged, is left out."""
    return [network for name in names(paths) if (network := _readable(paths, name))]


def _readable(paths: Paths, name: str) -> Network | None:
    try:
        return load(paths, name)
    except (NotFound, Damaged):
        return None


def damaged(paths: Paths) -> list[str]:
    """Return the names of the networks whose records are damaged."""
    return [name for name in names(paths) if not _readable(paths, name) and os.path.lexists(directory(paths, name))]


def stand_in(name: str) -> Network:
    """Return a record for a network whose own cannot be read: it says the name and else nothing."""
    return {
        "id": name,
        "name": name,
        "driver": DAMAGED,
        "createdAt": "",
        "subnets": [],
        "internal": False,
        "ipv6": False,
        "options": {},
        "labels": {},
        "interface": "",
    }


def resolve(paths: Paths, text: str) -> Network:
    """Return the record of a network given by its id, by name or by the beginning of its id. A name may be another network's id.

    Raises NotFound if there is none, Conflict if several ids begin like this.
    """
    for network in every(paths) if len(text) == _ID_LENGTH else []:
        if network["id"] == text:
            return network
    if text in names(paths):
        return load(paths, text)
    matches = [network for network in every(paths) if network["id"].startswith(text)] if text else []
    if len(matches) > 1:
        raise Conflict(f"{text!r} is the beginning of {len(matches)} network ids", "give more of its digits")
    if not matches:
        raise NotFound(f"no such network: {text}")
    return matches[0]


def save_new(paths: Paths, network: Network) -> None:
    """Make the directory of a network. It appears whole, by a rename. Raises Conflict if there is a network of that name."""
    path = directory(paths, network["name"])
    partial = store.temporary(path)
    store.remove_tree(partial)  # a process that had our pid may have died and left it
    os.mkdir(partial, 0o700)
    try:
        store.write_json(f"{partial}/network.json", network)
        with open(f"{partial}/lock", "w"):
            pass
        os.rename(partial, path)
    except OSError as error:
        store.remove_tree(partial)
        if os.path.isdir(path):
            raise Conflict(f"network with name {network['name']} already exists") from error
        raise
    store.to_disk(paths.networks)


def lock(paths: Paths, name: str, shared: bool = False) -> ObjectLock:
    """Return the lock of a network. It is shared while a container is being connected, and exclusive while the network is being removed.

    To enter it raises NotFound if the network is gone by then.
    """
    return ObjectLock(directory(paths, name), f"no such network: {name}", shared)


def everything(paths: Paths) -> store.Lock:
    """Return the lock for making networks and for changing what they have in common: subnets and rules."""
    return store.Lock(f"{paths.networks}/.lock")


def subnets(networks: list[Network]) -> list[Subnet]:
    """Return all subnets of these networks."""
    return [Subnet.parse(each["subnet"]) for network in networks for each in network["subnets"]]


def of_family(network: Network, mark: str) -> SubnetEntry | None:
    """Return the subnet of a network for IPv4 (mark '.') or IPv6 (':'), or None."""
    return next((each for each in network["subnets"] if mark in each["subnet"]), None)
