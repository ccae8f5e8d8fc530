"""A container's place on its networks: what a start claims and plugs in, what its end unplugs and frees.

    claim()     addresses and ports, then STATE/ID/network.json: from here on whoever finds the container dead knows what it had
    plug()      interfaces, rules, /etc/hosts and /etc/resolv.conf
    unplug()    all of it undone, going on past failures; for a container that does not run any more

Imported by the monitor: the standard library's light modules only.
"""

from __future__ import annotations

import os

from mydocker.engine import containers, state
from mydocker.errors import BadInput, Error, NotFound
from mydocker.network import attachments, bridge, default, hosts, ipam, records
from mydocker.network.addresses import parse
from mydocker.network.drivers import driver
from mydocker.network.ipam import ClaimAddress, Pool
from mydocker.network.portclaims import ClaimPort
from mydocker.steps.base import Run, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.containers import Record
    from mydocker.network.attachments import Attachment
    from mydocker.network.drivers import Endpoint, Network
    from mydocker.paths import Paths


def pools(paths: Paths, network: Network) -> list[Pool]:
    """Return the addresses that a network has for containers: a pool for each of its subnets."""
    if not driver(network["driver"], paths).has_addresses:
        return []
    directory = records.claims(paths, network["name"])
    return [Pool(subnet, directory, lambda owner: _is_alive(paths, owner)) for subnet in network["subnets"]]


def _is_alive(paths: Paths, owner: str) -> bool:
    """Say whether a container that holds an address still is; what a dead one left on the network goes first."""
    if state.running_pid(paths, owner) or state.is_busy(paths, owner):
        return True
    problems = unplug(paths, owner)
    if problems:
        raise problems[0]
    return False


def check(paths: Paths, record: Record) -> None:
    """Raise NotFound, BadInput or Conflict unless a container's networks exist and have what it asks of them."""
    for name, wanted in record["endpoints"].items():
        network = default.network(paths) if name == records.DEFAULT else records.load(paths, name)
        for key, mark in (("ip", "."), ("ip6", ":")):
            subnet = records.of_family(network, mark)
            if wanted[key] and not subnet:
                raise BadInput(f"address {wanted[key]}: network {name} has no {'IPv4' if mark == '.' else 'IPv6'} subnet")
            if wanted[key] and subnet:
                Pool(subnet, "", bool).check(wanted[key])
        if record["ports"] and name == next(iter(record["endpoints"])):
            driver(network["driver"], paths).publish(network, [_published(record, each, 0, "") for each in record["ports"]])


class Joining:
    """One container on its way into its networks."""

    __slots__ = ("paths", "record", "run", "attachment", "before", "networks")

    def __init__(self, paths: Paths, record: Record, run: Run, attachment: Attachment | None = None) -> None:
        self.paths = paths
        self.record = record
        self.run = run
        self.before = attachments.load(paths, record["id"]) if attachment else None
        self.attachment = attachment or {
            "name": record["name"],
            "hostname": record["config"]["Hostname"],
            "endpoints": [],
            "published": [],
        }
        self.networks = {each["network"]: records.load(paths, each["network"]) for each in self.attachment["endpoints"]}

    def claim(self, endpoints: dict[str, dict[str, Any]]) -> None:
        """Claim the addresses that these endpoints need, and for a container that starts its ports; and write it down."""
        for name in sorted(endpoints):
            if name == records.DEFAULT:
                default.ensure(self.paths)
        locks = [records.lock(self.paths, name, shared=True) for name in sorted(endpoints) if _exists(self.paths, name)]
        try:
            for lock in locks:
                lock.__enter__()
            for name, wanted in endpoints.items():
                self._claim_endpoint(name, wanted)
            if not self.before:
                self._claim_ports()
            attachments.save(self.paths, self.record["id"], self.attachment)
        finally:
            for lock in locks:
                lock.__exit__()

    def _claim_endpoint(self, name: str, wanted: dict[str, Any]) -> None:
        network = self.networks[name] = records.load(self.paths, name)
        steps = [
            ClaimAddress(pool, self.record["id"], name, wanted["ip" if pool.subnet.bits == 32 else "ip6"])
            for pool in pools(self.paths, network)
        ]
        self.run.execute(steps)
        addresses = [_address(network, step.pool, step.address) for step in steps]
        self.attachment["endpoints"].append(self._endpoint(network, wanted, addresses))

    def _endpoint(self, network: Network, wanted: dict[str, Any], addresses: list[dict[str, Any]]) -> Endpoint:
        return make_endpoint(self.record["id"], self.attachment, network, wanted, addresses)

    def _claim_ports(self) -> None:
        """Claim the host's ports that are to lead to the container, if it is on a network that can publish them."""
        endpoint = publishing(self.paths, self.attachment, self.networks) if self.record["ports"] else None
        if not endpoint:
            return
        before = {(each["ip"], each["container"], each["protocol"]): each["port"] for each in self.record.get("published", [])}
        for binding in self.record["ports"]:
            claim = ClaimPort(binding, before.get((binding["ip"], binding["container"], binding["protocol"]), 0))
            self.run.apply(claim)
            self.attachment["published"] += leading_to(self.record, binding, claim.port, endpoint)
        if not endpoint["addresses"]:
            endpoint["published"] = self.attachment["published"]

    def lead_ports_elsewhere(self) -> None:
        """Have the claimed ports lead to what is now the first network that can publish them, or nowhere."""
        endpoint = publishing(self.paths, self.attachment, self.networks)
        claimed = {(each["ip"], each["port"], each["protocol"], each["container"]): each for each in self.attachment["published"]}
        self.attachment["published"] = [
            lead for each in claimed.values() for lead in (leading_to(self.record, each, each["port"], endpoint) if endpoint else [])
        ]

    def plug(self, namespace: str, endpoints: list[Endpoint]) -> None:
        """Connect the network namespace that a path names; networks that have nothing on this host yet come up first."""
        for endpoint in endpoints:
            network = self.networks[endpoint["network"]]
            bring_up(self.paths, network, self.run)
            self.run.execute(driver(network["driver"], self.paths).connect(network, endpoint, namespace))
        if any("result" in endpoint for endpoint in endpoints):
            attachments.save(self.paths, self.record["id"], self.attachment)
        if not self.before:
            self.publish()
        self.run.apply(WriteNames(self.paths, self.record, self.attachment, self.before))

    def publish(self) -> None:
        """Have the claimed ports lead to the container."""
        endpoint = publishing(self.paths, self.attachment, self.networks) if self.attachment["published"] else None
        if endpoint:
            network = self.networks[endpoint["network"]]
            self.run.execute(driver(network["driver"], self.paths).publish(network, self.attachment["published"]))


def _exists(paths: Paths, name: str) -> bool:
    if not os.path.isdir(records.directory(paths, name)):
        raise NotFound(f"no such network: {name}", f"mydocker network create {name}")
    return True


def _address(network: Network, pool: Pool, address: str) -> dict[str, Any]:
    gateway = "" if network["internal"] else pool.gateway_text
    return {"address": address, "prefix": pool.subnet.prefix, "gateway": gateway}


def make_endpoint(
    container_id: str, attachment: Attachment, network: Network, wanted: dict[str, Any], addresses: list[dict[str, Any]]
) -> Endpoint:
    """Return the next endpoint of a container; the first that has a gateway is the way to everywhere."""
    used = {each["interface"] for each in attachment["endpoints"]}
    number = next(n for n in range(len(used) + 1) if f"eth{n}" not in used)
    is_first = not any(each["isDefault"] for each in attachment["endpoints"])
    return {
        "network": network["name"],
        "owner": container_id,
        "interface": f"eth{number}",
        "link": f"md{container_id[:9]}.{number}",
        "mac": wanted["mac"] or _mac(addresses),
        "addresses": addresses,
        "aliases": wanted["aliases"],
        "isDefault": is_first and any(each["gateway"] for each in addresses),
        "published": [],
    }


def endpoint_id(endpoint: Endpoint) -> str:
    """Return docker's EndpointID: 64 hexadecimal digits, the same as long as the container runs."""
    import binascii

    text = f"{endpoint['owner']} {endpoint['network']}"
    return "".join(f"{binascii.crc32(f'{part} {text}'.encode()):08x}" for part in range(8))


def _mac(addresses: list[dict[str, Any]]) -> str:
    """Return docker's, 02:42 and the IPv4 address, so that an address keeps its MAC address whoever gets it; else a random one."""
    numbers = [parse(each["address"]) for each in addresses]
    tail = next((number.to_bytes(4, "big") for number, bits in numbers if bits == 32), None) or os.urandom(4)
    return "02:42:" + ":".join(f"{byte:02x}" for byte in tail)


def publishing(paths: Paths, attachment: Attachment, networks: dict[str, Network]) -> Endpoint | None:
    """Return the endpoint that published ports lead to: the first on a network that is a bridge with a way out, or CNI's."""
    endpoints: list[Endpoint] = attachment["endpoints"]
    for endpoint in endpoints:
        network = networks.get(endpoint["network"])
        kind = driver(network["driver"], paths) if network else None
        if network and kind and kind.publishes and not network["internal"]:
            return endpoint
    return None


def leading_to(record: Record, binding: dict[str, Any], port: int, endpoint: Endpoint) -> list[dict[str, Any]]:
    """Return the published port of a binding, for each family that host and container have in common."""
    targets = [each["address"] for each in endpoint["addresses"] if not binding["ip"] or (":" in each["address"]) == (":" in binding["ip"])]
    if endpoint["addresses"] and not targets:
        raise BadInput(f"cannot publish on {binding['ip']}: network {endpoint['network']} has no address of that family")
    return [_published(record, binding, port, target) for target in targets or [""]]


def _published(record: Record, binding: dict[str, Any], port: int, address: str) -> dict[str, Any]:
    return {
        "owner": record["id"],
        "ip": binding["ip"],
        "port": port,
        "protocol": binding["protocol"],
        "address": address,
        "container": binding["container"],
    }


def bring_up(paths: Paths, network: Network, run: Run) -> None:
    """Make what a network needs on this host, if anything is missing; it stays when the container that needed it first fails to start."""
    kind = driver(network["driver"], paths)
    if not kind.create(network):
        return
    with records.everything(paths):
        own = Run(run.who, run.observer)
        try:
            own.execute(kind.create(network))
        except Error:
            own.undo_all()
            raise


class WriteNames(Step):
    """Write /etc/hosts and /etc/resolv.conf of a container, and its names into the hosts of those that share a network with it.

    before: what undo goes back to, None if the container had nothing.
    """

    __slots__ = ("paths", "record", "attachment", "before")

    def __init__(self, paths: Paths, record: Record, attachment: Attachment, before: Attachment | None = None) -> None:
        self.paths = paths
        self.record = record
        self.attachment = attachment
        self.before = before

    @property
    def _networks(self) -> list[str]:
        return [endpoint["network"] for endpoint in self.attachment["endpoints"]]

    def apply(self) -> None:
        directory, record = self.paths.container(self.record["id"]), self.record
        config, host = record["config"], record["hostConfig"]
        extra = [text.partition(":")[::2] for text in host["ExtraHosts"] or []]
        text = hosts.own_hosts(config["Hostname"], config["Domainname"], self.attachment["endpoints"], [list(pair) for pair in extra])
        hosts.write_in_place(f"{directory}/hosts", text)
        resolver = hosts.resolv_conf(hosts.of_host(), host["Dns"], host["DnsSearch"], host["DnsOptions"])
        hosts.write_in_place(f"{directory}/resolv.conf", resolver)
        hosts.refresh(self.paths, self._networks)

    def undo(self) -> None:
        if self.before:
            attachments.save(self.paths, self.record["id"], self.before)
        else:
            attachments.forget(self.paths, self.record["id"])
        hosts.refresh(self.paths, self._networks)

    def describe(self) -> str:
        addresses = [each["address"] for endpoint in self.attachment["endpoints"] for each in endpoint["addresses"]]
        return f"write {self.record['config']['Hostname']} at {' '.join(addresses) or 'no address'} into /etc/hosts, and /etc/resolv.conf"


def unplug(paths: Paths, container_id: str) -> list[Error]:
    """Undo what a container that does not run any more had of the network; return what could not be undone."""
    attachment = attachments.load(paths, container_id)
    problems: list[Error] = []
    if attachment:
        withdraw(paths, attachment, problems)
        shared = _shared_namespace(paths, container_id)
        for endpoint in attachment["endpoints"]:
            leave(paths, endpoint, shared, problems)
        attempt(problems, lambda: attachments.forget(paths, container_id))
        networks = [endpoint["network"] for endpoint in attachment["endpoints"]]
        attempt(problems, lambda: hosts.refresh(paths, networks))
    return problems


def share(paths: Paths, container_id: str) -> None:
    """Note that others are in a container's network namespace, which therefore may outlive it."""
    with open(f"{paths.running(container_id)}/shared", "w"):
        pass


def _shared_namespace(paths: Paths, container_id: str) -> str:
    """Return the network namespace of a container that has ended, '' when nobody else is in it."""
    if not os.path.exists(f"{paths.running(container_id)}/shared"):
        return ""
    pids = (state.running_pid(paths, each) for each in containers.joined_to(paths, container_id))
    return next((f"{paths.proc}/{pid}/ns/net" for pid in pids if pid), "")


def withdraw(paths: Paths, attachment: Attachment, problems: list[Error]) -> None:
    """Take a container's published ports out of the rules."""
    led = [each for each in attachment["published"] if each["address"]]
    attempt(problems, lambda: bridge.BridgeDriver(paths).withdraw(led))


def leave(paths: Paths, endpoint: Endpoint, namespace: str, problems: list[Error]) -> None:
    """Unplug one endpoint and free its addresses. namespace: '' when it is gone."""
    name = endpoint["network"]
    try:
        network = records.load(paths, name)
    except NotFound:
        network = None  # removed by force, and with it all that it had
    for step in driver(network["driver"], paths).disconnect(network, endpoint, namespace) if network else []:
        attempt(problems, step.apply)
    for each in endpoint["addresses"]:
        attempt(problems, lambda each=each: ipam.release(records.claims(paths, name), each["address"], endpoint["owner"]))


def close_ports(run: Run) -> None:
    """Give back the host's ports that a monitor has claimed."""
    for step in run.done:
        if isinstance(step, ClaimPort):
            step.undo()


def attempt(problems: list[Error], action: Any) -> None:
    """Do one part of a teardown; see remove.attempt."""
    from mydocker.engine import remove

    remove.attempt(problems, action)


def rename(paths: Paths, container_id: str, name: str) -> None:
    """Have the others on its networks know a running container by its new name."""
    attachment = attachments.load(paths, container_id)
    if attachment:
        attachments.save(paths, container_id, {**attachment, "name": name})
        hosts.refresh(paths, [endpoint["network"] for endpoint in attachment["endpoints"]])


def users(paths: Paths, network: str) -> list[str]:
    """Return the ids of the living containers that are on a network."""
    holders = {*attachments.on_network(paths, network), *(owner for _, owner in ipam.held_by(records.claims(paths, network)))}
    return sorted(owner for owner in holders if _is_alive(paths, owner))
