"""What a start would do to the network, for --dry-run and --explain=sh. The steps are those of a start, but nobody executes them."""

from __future__ import annotations

from mydocker.engine.connection.plug import Joining
from mydocker.network import attachments, default, nft, records
from mydocker.network.drivers import driver
from mydocker.paths import Paths
from mydocker.steps.base import Step, Telling, command
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record, WantedEndpoint
    from mydocker.network.attachments import Attachment
    from mydocker.network.records import Network


class NetworkPlan(Value):
    """What connects a container that is to start."""

    claims: list[Step]  # before init is told to go on
    connect: list[Step]  # after that
    undo: list[str]  # shell commands that remove what outlives the container


class ToldJoining(Joining):
    """A Joining that changes nothing: its run only notes the steps."""

    __slots__ = ()

    def __init__(self, paths: Paths, record: Record, attachment: Attachment | None = None) -> None:
        super().__init__(paths, record, Telling("monitor"), attachment)

    def claim(self, endpoints: dict[str, WantedEndpoint]) -> None:
        if endpoints:
            self.claim_all(endpoints)

    def network(self, name: str) -> Network:
        return default.network(self.paths) if name == records.DEFAULT else super().network(name)

    def save(self) -> None:
        """Do nothing: the container does not become connected, so it has no attachment."""

    def bring_up(self, network: Network) -> None:
        self.run.execute(driver(network["driver"], self.paths).create(network))


def network_plan(paths: Paths, record: Record, namespace: str = "/proc/PID/ns/net") -> NetworkPlan:
    """Return the steps that connect a container that is to start. namespace: the path of its network namespace."""
    if not record["endpoints"]:
        return NetworkPlan(claims=[], connect=[], undo=[])
    joining = ToldJoining(paths, record)
    joining.claim(record["endpoints"])
    claims, joining.run.done = joining.run.done, []
    joining.plug(namespace)
    return NetworkPlan(claims=claims, connect=joining.run.done, undo=_undo(paths, joining.attachment))


def joining_plan(paths: Paths, record: Record, name: str, wanted: WantedEndpoint, namespace: str) -> list[Step]:
    """Return the steps that connect a running container to one more network."""
    joining = ToldJoining(paths, record, attachments.load(paths, record["id"]))
    joining.claim({name: wanted})
    joining.plug(namespace, name)
    return joining.run.done


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
