"""Networks: ROOT/networks/NAME/network.json, whole from the moment it is there.

    id            64 hexadecimal digits
    name, driver  'bridge', 'vxlan', 'macvlan', 'ipvlan', 'none' or 'cni'
    createdAt     RFC 3339, UTC
    subnets       [{subnet, gateway, range}]: '' for no gateway or no range; one for IPv4, one for IPv6 or both
    internal, ipv6
    options       {key: value} of --opt;  labels
    interface     of the host: the bridge, or what macvlan and ipvlan share

The network `bridge` comes into being with the first container that needs it.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Conflict, NotFound
from mydocker.network.addresses import Subnet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.paths import Paths

    Network = dict[str, Any]

DEFAULT = "bridge"
# What docker calls networks and nobody makes.
MODES = ("host", "none")


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
    """Return a network's record. Raises NotFound."""
    try:
        if "/" in name or name.startswith("."):
            raise FileNotFoundError
        record: Network = store.read_json(f"{directory(paths, name)}/network.json")
    except FileNotFoundError as error:
        raise NotFound(f"no such network: {name}") from error
    return record


def every(paths: Paths) -> list[Network]:
    """Return all records, without those of networks that go meanwhile."""
    found = []
    for name in names(paths):
        try:
            found.append(load(paths, name))
        except NotFound:
            continue
    return found


def resolve(paths: Paths, text: str) -> Network:
    """Return the network of a name, a full id or a unique id prefix. Raises NotFound, Conflict."""
    if text in names(paths):
        return load(paths, text)
    matches = [network for network in every(paths) if network["id"].startswith(text)] if text else []
    if len(matches) > 1:
        raise Conflict(f"{text!r} is the beginning of {len(matches)} network ids", "give more of its digits")
    if not matches:
        raise NotFound(f"no such network: {text}")
    return matches[0]


def save_new(paths: Paths, network: Network) -> None:
    """Make a network's directory, whole by a rename. Raises Conflict when there is one of that name."""
    path = directory(paths, network["name"])
    partial = store.temporary(path)
    store.remove_tree(partial)  # of a process that died and had this number
    os.mkdir(partial, 0o700)
    try:
        store.write_json(f"{partial}/network.json", network)
        with open(f"{partial}/lock", "w"):
            pass
        os.rename(partial, path)
    except OSError as error:
        store.remove_tree(partial)
        if os.path.isdir(path):
            raise Conflict(f"network {network['name']} exists already") from error
        raise
    store.sync_directory(paths.networks)


def lock(paths: Paths, name: str, shared: bool = False) -> store.Lock:
    """Return a network's lock: shared while a container is being connected, alone while it is being removed."""
    return store.Lock(f"{directory(paths, name)}/lock", shared)


def everything(paths: Paths) -> store.Lock:
    """Return the lock of whoever makes networks or changes what they have in common: subnets, rules."""
    return store.Lock(f"{paths.networks}/.lock")


def subnets(networks: list[Network]) -> list[Subnet]:
    """Return the subnets of networks."""
    return [Subnet.parse(each["subnet"]) for network in networks for each in network["subnets"]]


def of_family(network: Network, mark: str) -> dict[str, str] | None:
    """Return a network's subnet for IPv4 (mark '.') or IPv6 (':'), None when it has none."""
    return next((each for each in network["subnets"] if mark in each["subnet"]), None)
