"""What the verbs `network create`, `rm`, `ls` and `inspect` do.

connecting.py has `connect` and `disconnect`, and plug.py has what the start of a container does.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.engine.connection import repair, unplug
from mydocker.engine.connection.new_network import PREDEFINED, Asked, check_new, free, is_chosen
from mydocker.engine.record import damage, events
from mydocker.engine.record.names import is_name
from mydocker.engine.record.undo import AllOrNothing
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.network import attachments, default, pools, records
from mydocker.network.drivers import driver
from mydocker.paths import Paths
from mydocker.steps.base import Action, Run, Step, command, quote
from mydocker.steps.files import MakeDir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.connection.view import DockerDocument
    from mydocker.network.records import Network, SubnetEntry


class SaveNetwork(Step):
    """Write a new network's record, unless its name or its subnets are taken."""

    paths: Paths
    network: Network

    def apply(self) -> None:
        check_new(self.paths, self.network)
        records.save_new(self.paths, self.network)

    def undo(self) -> None:
        store.discard(records.directory(self.paths, self.network["name"]))

    def describe(self) -> str:
        subnets = ", ".join(f"{each['subnet']} gateway {each['gateway'] or 'none'}" for each in self.network["subnets"])
        return f"write the record of network {quote(self.network['name'])}, driver {self.network['driver']}, {subnets or 'no subnet'}"


class RemoveNetwork(Step):
    """Remove a network's record and its claims."""

    paths: Paths
    network: Network

    def apply(self) -> None:
        store.discard(records.directory(self.paths, self.network["name"]))
        store.remove_tree(records.claims(self.paths, self.network["name"]))
        emit(self.paths, self.network, "destroy")

    def describe(self) -> str:
        return f"remove network {quote(self.network['name'])}"

    def shell(self) -> str:
        name = self.network["name"]
        return command("rm", "-rf", records.directory(self.paths, name), records.claims(self.paths, name))


def emit(paths: Paths, network: Network, action: str, **more: object) -> None:
    """Write an event of a network. more: further attributes of the event."""
    events.emit(paths, "network", action, network["id"], {**more, "name": network["name"], "type": network["driver"]})


def create(paths: Paths, network: Network, asked: Asked, run: Run) -> None:
    """Make a network and what it needs on this host. A failure undoes all of it.

    asked: what new() was told. What it has chosen is chosen again: two processes may have chosen the same one.
    """
    roots = [MakeDir(path, 0o700, True) for path in (paths.root, paths.networks, paths.state, paths.addresses)]
    with AllOrNothing(run):
        run.execute(roots)
        with records.everything(paths) if os.path.isdir(paths.networks) else store.Unlocked():
            if is_chosen(network, asked):
                network["subnets"][0] = pools.entry(free(paths), "", "", network["driver"])
            run.apply(SaveNetwork(paths, network))
            run.execute(driver(network["driver"], paths).create(network))
        if run.done:  # else it was only told
            emit(paths, network, "create")


def remove(paths: Paths, network: Network, run: Run) -> None:
    """Remove a network and all that it has on this host. Raises Conflict if a container is on it."""
    with records.lock(paths, network["name"]):
        if records.load(paths, network["name"])["id"] != network["id"]:
            raise NotFound(f"no such network: {network['id'][:12]}")  # somebody else has removed it and made another one of its name
        using = unplug.users(paths, network["name"])
        if using:
            names = ", ".join(damage.name_of(paths, each) for each in using)
            raise Conflict(
                f"network {network['name']} has active endpoints: it is used by container {names}", "stop or disconnect it first"
            )
        with records.everything(paths):
            run.execute([*driver(network["driver"], paths).delete(network), RemoveNetwork(paths, network)])


def remove_damaged(paths: Paths, name: str, run: Run) -> None:
    """Remove a network whose record cannot be read. Raises Conflict while a container is on it."""
    using = unplug.users(paths, name)
    if using:
        raise Conflict(f"network {name} is used by container {', '.join(i[:12] for i in using)}", "stop it first")
    with records.everything(paths):
        run.apply(Action(lambda: store.discard(records.directory(paths, name)), f"remove network {quote(name)}, whose record is damaged"))
    if run.done:
        # What it had on this host is now a leftover like any other.
        for _, mend in repair.leftovers(paths):
            mend()


def resolve(paths: Paths, name: str) -> Network:
    """Return the record of a network given by name or id, also of one that nobody makes. Raises NotFound, Conflict, Damaged."""
    for known in PREDEFINED:
        if name == known or (len(name) > 3 and default.fixed_id(paths, known).startswith(name)):
            return default.network(paths) if known == records.DEFAULT else predefined(paths, known)
    return records.resolve(paths, name)


def name_of(paths: Paths, text: str, late: bool = False) -> str:
    """Return the name of a network given by name or id. Raises as resolve().

    late: whether a network may be missing until the container starts: then the text has to be a name
    """
    try:
        return resolve(paths, text)["name"]
    except NotFound:
        if not late or not is_name(text):
            raise
        return text


def predefined(paths: Paths, mode: str) -> Network:
    """Return a record as docker has it for the network `host` or `none`."""
    kind = "null" if mode == "none" else mode
    return {
        "id": default.fixed_id(paths, mode),
        "name": mode,
        "driver": kind,
        "createdAt": "0001-01-01T00:00:00Z",
        "subnets": [],
        "internal": False,
        "ipv6": False,
        "options": {},
        "labels": {},
        "interface": "",
    }


def every(paths: Paths) -> list[Network]:
    """Return the records of all networks, sorted by name, the three that docker always has among them, and stand-ins for damaged ones."""
    found = [*records.every(paths), *map(records.stand_in, records.damaged(paths))]
    if all(network["name"] != records.DEFAULT for network in found):
        found.append(default.network(paths))
    found += [predefined(paths, mode) for mode in records.MODES]
    return sorted(found, key=lambda network: network["name"])


def document(paths: Paths, network: Network) -> DockerDocument:
    """Return what `docker network inspect` shows (Engine API, NetworkInspect)."""
    return {
        "Name": network["name"],
        "Id": network["id"],
        "Created": network["createdAt"],
        "Scope": "local",
        "Driver": network["driver"],
        "EnableIPv4": any("." in each["subnet"] for each in network["subnets"]),
        "EnableIPv6": network["ipv6"],
        "IPAM": {
            "Driver": "default",
            "Options": {} if network.get("ipamOptions", True) else None,
            "Config": [_ipam(each) for each in network["subnets"]],
        },
        "Internal": network["internal"],
        "Attachable": network.get("attachable", False),
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": _members(paths, network["name"]),
        "Options": network["options"],
        "Labels": dict(sorted(network["labels"].items())),
    }


def _ipam(subnet: SubnetEntry) -> dict[str, Any]:
    shown: dict[str, Any] = {"Subnet": subnet["subnet"], "IPRange": subnet["range"], "Gateway": subnet["gateway"]}
    shown["AuxiliaryAddresses"] = subnet.get("reserved", {})
    return {key: value for key, value in shown.items() if value}


def _members(paths: Paths, name: str) -> dict[str, dict[str, str]]:
    found = {}
    for container_id, attachment in attachments.on_network(paths, name).items():
        endpoint = next(each for each in attachment["endpoints"] if each["network"] == name)
        families = {
            key: next((f"{each['address']}/{each['prefix']}" for each in endpoint["addresses"] if mark in each["address"]), "")
            for key, mark in (("IPv4Address", "."), ("IPv6Address", ":"))
        }
        found[container_id] = {
            "Name": attachment["name"],
            "EndpointID": attachments.endpoint_id(endpoint),
            "MacAddress": endpoint["mac"],
            **families,
        }
    return found


def exists(paths: Paths, name: str) -> bool:
    """Say whether there is a network of that name or id."""
    try:
        resolve(paths, name)
    except NotFound:
        return False
    except Damaged:
        return True
    return True
