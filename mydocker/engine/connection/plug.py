"""How a container is connected to its networks when it starts.

    claim()     claims addresses and ports, and writes STATE/ID/network.json, so that whoever finds the container dead knows what it had
    plug()      makes interfaces and rules, listens for questions for names, and writes /etc/hosts and /etc/resolv.conf

unplug.py undoes all of it. The monitor imports this module, so it uses only the light modules of the standard library.
"""

from __future__ import annotations

from mydocker import store
from mydocker.engine.connection import checks, endpoints, unplug
from mydocker.engine.connection.endpoints import choose_way_out
from mydocker.engine.record import state
from mydocker.errors import Error, NotFound
from mydocker.network import attachments, default, hosts, records
from mydocker.network.drivers import driver
from mydocker.network.ipam import ClaimAddress, Pool
from mydocker.network.portclaims import ClaimPort
from mydocker.steps.base import Run, Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket

    from mydocker.engine.record.containers import Record, WantedEndpoint
    from mydocker.network.attachments import Attachment
    from mydocker.network.records import Network
    from mydocker.paths import Paths


def pools(paths: Paths, network: Network) -> list[Pool]:
    """Return a network's pools of addresses for containers, one for each of its subnets."""
    if not driver(network["driver"], paths).has_addresses:
        return []
    directory = records.claims(paths, network["name"])
    return [Pool(subnet, directory, lambda owner: _is_alive(paths, owner)) for subnet in network["subnets"]]


def _is_alive(paths: Paths, owner: str) -> bool:
    """Say whether a container that holds an address still lives. If it does not, remove what it left on its networks."""
    if unplug.is_in_use(paths, owner):
        return True
    problems = unplug.unplug(paths, owner)
    if problems:
        raise problems[0]
    return False


class Joining:
    """The connecting of one container to its networks.

    record: the container's.
    run: executes the steps, or notes them.
    attachment: what the container has already, if it is to be on one more network.
    """

    __slots__ = ("paths", "record", "run", "attachment", "before", "networks", "sockets")

    def __init__(self, paths: Paths, record: Record, run: Run, attachment: Attachment | None = None) -> None:
        self.paths = paths
        self.record = record
        self.run = run
        self.before = attachments.load(paths, record["id"]) if attachment else None
        self.attachment = attachment or attachments.blank(record["name"], record["config"]["Hostname"])
        self.sockets: list[socket] = []  # of the container's resolver, if plug() has made them
        self.networks = {each["network"]: records.load(paths, each["network"]) for each in self.attachment["endpoints"]}

    def claim(self, endpoints: dict[str, WantedEndpoint]) -> None:
        """Claim the addresses that these endpoints need, and the ports of a container that starts. Then write the attachment.

        endpoints: what the container asks for, by the networks' names.
        """
        if not endpoints:
            return
        held: list[store.Lock] = []
        try:
            for name in sorted(endpoints):
                held.append(_held(self.paths, name))
            self.claim_all(endpoints)
            self.save()
        finally:
            for lock in held:
                lock.__exit__()

    def claim_all(self, endpoints: dict[str, WantedEndpoint]) -> None:
        """Claim addresses and ports. The caller holds the locks of these networks, so nobody removes them meanwhile."""
        for name, wanted in endpoints.items():
            self._claim_endpoint(name, wanted)
        choose_way_out(self.attachment["endpoints"])
        if not self.before:
            self._claim_ports()
        elif self._leads_ports_again:
            # Its monitor still holds the ports that it claimed at the start.
            self.attachment["published"] = self.record["published"]
            self.lead_ports_elsewhere()

    @property
    def _leads_ports_again(self) -> bool:
        """Whether a running container that was taken off the network of its published ports is to have them again."""
        return bool(self.before and not self.before["published"])

    def network(self, name: str) -> Network:
        """Return the record of a network that the container is to be on."""
        return records.load(self.paths, name)

    def save(self) -> None:
        """Write the attachment."""
        attachments.save(self.paths, self.record["id"], self.attachment)

    def bring_up(self, network: Network) -> None:
        """Make what a network needs on this host and what is not there yet."""
        bring_up(self.paths, network, self.run)

    def _claim_endpoint(self, name: str, wanted: WantedEndpoint) -> None:
        network = self.networks[name] = self.network(name)
        checks.check_endpoint(self.paths, network, wanted)  # it may have been made after the container
        steps = [
            ClaimAddress(pool, self.record["id"], name, wanted["ip" if pool.subnet.bits == 32 else "ip6"])
            for pool in pools(self.paths, network)
        ]
        self.run.execute(steps)
        addresses = [endpoints.address_on(network, step.pool, step.address) for step in steps]
        endpoint = endpoints.make_endpoint(self.record["id"], self.attachment, network, wanted, addresses)
        self.attachment["endpoints"].append(endpoint)

    def _claim_ports(self) -> None:
        """Claim the ports of the host that are to lead to the container, if one of its networks can publish them."""
        endpoint = endpoints.publishing(self.paths, self.attachment, self.networks) if self.record["ports"] else None
        if not endpoint:
            return
        before = {(each["ip"], each["container"], each["protocol"]): each["port"] for each in self.record["published"]}
        for binding in self.record["ports"]:
            claim = ClaimPort(binding, before.get((binding["ip"], binding["container"], binding["protocol"]), 0))
            self.run.apply(claim)
            self.attachment["published"] += endpoints.leading_to(self.record, binding, claim.port, endpoint)
        if not endpoint["addresses"]:
            endpoint["published"] = self.attachment["published"]

    def lead_ports_elsewhere(self) -> None:
        """Change the attachment: the claimed ports lead to what is now the first network that can publish them, or nowhere."""
        endpoint = endpoints.publishing(self.paths, self.attachment, self.networks)
        claimed = {(each["ip"], each["port"], each["protocol"], each["container"]): each for each in self.attachment["published"]}
        self.attachment["published"] = [
            lead
            for each in claimed.values()
            for lead in (endpoints.leading_to(self.record, each, each["port"], endpoint) if endpoint else [])
        ]

    def plug(self, namespace: str, only: str = "") -> None:
        """Connect a network namespace. A network that has nothing on this host yet is brought up first.

        namespace: its path.
        only: the name of the one network to connect to, if the container is on others already.
        """
        plugged = [each for each in self.attachment["endpoints"] if only in ("", each["network"])]
        for endpoint in plugged:
            network = self.networks[endpoint["network"]]
            self.bring_up(network)
            self.run.execute(driver(network["driver"], self.paths).connect(network, endpoint, namespace))
        if self._wants_names:
            self._listen(namespace)
        if any("result" in endpoint for endpoint in plugged):
            self.save()
        if not self.before or self._leads_ports_again:
            self.run.execute(self.publish_steps())
        self.run.apply(WriteNames(self.paths, self.record, self.attachment, self.before))

    @property
    def _wants_names(self) -> bool:
        """Whether the container is to have a resolver, and has none.

        The default network has no names. Where the monitor of a running container is gone, nobody would answer.
        """
        on = {endpoint["network"] for endpoint in self.attachment["endpoints"]}
        if self.attachment["resolver"] or not on - {records.DEFAULT}:
            return False
        return not self.before or state.has_monitor(self.paths, self.record["id"])

    def _listen(self, namespace: str) -> None:
        """Make the resolver's sockets, and give those of a running container to its monitor."""
        from mydocker.engine.connection import listen  # most containers do without

        self.run.apply(listen.Listen(namespace, self.sockets))
        if self.before:
            self.run.apply(listen.HandOver(self.paths.attach_socket(self.record["id"]), self.sockets))
        self.attachment["resolver"] = True
        self.save()

    def publish_steps(self) -> list[Step]:
        """Return the steps that make the claimed ports lead to the container."""
        endpoint = endpoints.publishing(self.paths, self.attachment, self.networks) if self.attachment["published"] else None
        if not endpoint:
            return []
        network = self.networks[endpoint["network"]]
        return driver(network["driver"], self.paths).publish(network, self.attachment["published"], endpoint["link"])


def _held(paths: Paths, name: str) -> store.Lock:
    """Return a network's lock, which is held already. The default network is made if it is not there."""
    if name == records.DEFAULT:
        default.ensure(paths)
    try:
        return records.lock(paths, name, shared=True).__enter__()
    except NotFound as error:
        if name == records.DEFAULT:
            return _held(paths, name)  # somebody has removed it meanwhile
        raise NotFound(error.message, f"mydocker network create {name}") from error


def bring_up(paths: Paths, network: Network, run: Run) -> None:
    """Make what a network needs on this host and what is not there yet. It stays, even if the container that needs it fails to start."""
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
    """Write /etc/hosts and /etc/resolv.conf of a container, and its names into /etc/hosts of those that share a network with it."""

    paths: Paths
    record: Record
    attachment: Attachment
    before: Attachment | None = None  # the attachment to which undo goes back, or None if the container had none

    @property
    def _networks(self) -> list[str]:
        return [endpoint["network"] for endpoint in self.attachment["endpoints"]]

    def _files(self, resolver: bool) -> dict[str, str]:
        """Return {path: text} of the container's own files."""
        directory, record = self.paths.container(self.record["id"]), self.record
        config, host = record["config"], record["hostConfig"]
        extra = [[*text.partition(":")[::2]] for text in host["ExtraHosts"] or []]
        own = hosts.own_hosts(config["Hostname"], config["Domainname"], self.attachment["endpoints"], extra)
        flags = (host["Dns"], host["DnsSearch"], host["DnsOptions"])
        servers = hosts.resolv_conf(hosts.of_host(), *flags, resolver)
        return {f"{directory}/hosts": own, f"{directory}/resolv.conf": servers}

    def apply(self) -> None:
        for path, text in self._files(self.attachment["resolver"]).items():
            hosts.write_in_place(path, text)
        if any(each["network"] == records.DEFAULT and each.get("links") for each in self.attachment["endpoints"]):
            with open(hosts.linked_mark(self.paths), "a"):
                pass
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

    def shell(self) -> str:
        return "\n".join(f"printf %s {quote(text)} > {quote(path)}" for path, text in self._files(False).items())


def rename(paths: Paths, container_id: str, name: str) -> None:
    """Tell the others on the networks of a running container its new name."""
    attachment = attachments.load(paths, container_id)
    if attachment:
        attachments.save(paths, container_id, {**attachment, "name": name})
        hosts.refresh(paths, [endpoint["network"] for endpoint in attachment["endpoints"]])
