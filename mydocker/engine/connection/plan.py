"""What a start would do to the network, for --dry-run and --explain=sh: the steps are the same, but nobody executes them."""

from __future__ import annotations

from mydocker.engine.connection import endpoints, plug
from mydocker.network import attachments, default, nft, records
from mydocker.network.drivers import driver
from mydocker.network.ipam import ClaimAddress
from mydocker.network.portclaims import ClaimPort
from mydocker.paths import Paths
from mydocker.steps.base import Step, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record, WantedEndpoint
    from mydocker.network.attachments import Attachment
    from mydocker.network.records import Network

# For a port that a start chooses itself, the plan has the first of those that it may choose from (RFC 6335).
_SOME_PORT = 49152


class NetworkPlan:
    """What connects a container that is to start.

    claims: the steps before init is told to go on
    connect: the steps after that
    undo: shell commands that remove what outlives the container
    """

    __slots__ = ("claims", "connect", "undo")

    def __init__(self, claims: list[Step], connect: list[Step], undo: list[str]) -> None:
        self.claims = claims
        self.connect = connect
        self.undo = undo


def network_plan(paths: Paths, record: Record, namespace: str = "/proc/PID/ns/net") -> NetworkPlan:
    """Return the steps that connect a container which is to start."""
    plan = NetworkPlan([], [], [])
    if not record["endpoints"]:
        return plan
    attachment = attachments.blank(record["name"], record["config"]["Hostname"])
    networks = {name: _network(paths, name) for name in record["endpoints"]}
    for name, wanted in record["endpoints"].items():
        part = endpoint_plan(paths, record, attachment, networks[name], wanted, namespace)
        plan.claims += part.claims
        plan.connect += part.connect
    endpoint = endpoints.publishing(paths, attachment, networks)
    if endpoint and record["ports"]:
        for number, binding in enumerate(record["ports"]):
            plan.claims.append(ClaimPort(binding))
            port = binding["first"] or _SOME_PORT + number
            attachment["published"] += endpoints.leading_to(record, binding, port, endpoint)
        network = networks[endpoint["network"]]
        plan.connect += driver(network["driver"], paths).publish(network, attachment["published"], endpoint["link"])
    plan.connect.append(plug.WriteNames(paths, record, attachment))
    plan.undo += _undo(paths, attachment)
    return plan


def endpoint_plan(
    paths: Paths, record: Record, attachment: Attachment, network: Network, wanted: WantedEndpoint, namespace: str
) -> NetworkPlan:
    """Return the steps of one endpoint, which is added to the attachment with the addresses that it would get."""
    claims: list[Step] = []
    addresses = []
    for pool in plug.pools(paths, network):
        asked = wanted["ip" if pool.subnet.bits == 32 else "ip6"]
        claims.append(ClaimAddress(pool, record["id"], network["name"], asked))
        addresses.append(endpoints.address_on(network, pool, asked or pool.propose()))
    endpoint = endpoints.make_endpoint(record["id"], attachment, network, wanted, addresses)
    attachment["endpoints"].append(endpoint)
    kind = driver(network["driver"], paths)
    return NetworkPlan(claims, [*kind.create(network), *kind.connect(network, endpoint, namespace)], [])


def _network(paths: Paths, name: str) -> Network:
    return default.network(paths) if name == records.DEFAULT else records.load(paths, name)


def _undo(paths: Paths, attachment: Attachment) -> list[str]:
    held = [
        f"{records.claims(paths, each['network'])}/{address['address']}"
        for each in attachment["endpoints"]
        for address in each["addresses"]
    ]
    led = [nft.port_element(each) for each in attachment["published"] if each["address"]]
    table = nft.table_name(paths.root)
    rules = [command("nft", line) for line in nft.delete(table, led).splitlines() if line.startswith("delete")]
    return [*rules, *([command("rm", "-f", *held)] if held else [])]
