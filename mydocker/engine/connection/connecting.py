"""`network connect` and `network disconnect`: a container gets one more network, or loses one. If it runs, this happens at once."""

from __future__ import annotations

from errno import ENOENT, ESRCH

from mydocker.engine.connection import checks, plug, unplug
from mydocker.engine.connection.endpoints import choose_way_out
from mydocker.engine.connection.networks import emit
from mydocker.engine.record import containers, locks, state
from mydocker.engine.record.undo import AllOrNothing, with_problems
from mydocker.errors import BadInput, Conflict, Connected, Error, StepFailed, attempt
from mydocker.network import attachments, hosts, ipam, records
from mydocker.network.drivers import driver
from mydocker.paths import Paths
from mydocker.steps.base import Action, Run, Step, command
from mydocker.steps.interfaces import AddDefaultRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record, WantedEndpoint
    from mydocker.network.attachments import Attachment, Published
    from mydocker.network.records import Network


class SaveEndpoints(Step):
    """Write into a container's record which networks it is on from its next start on."""

    paths: Paths
    record: Record  # as it is before the step
    endpoints: dict[str, WantedEndpoint]  # by the networks' names

    def apply(self) -> None:
        containers.save(self.paths, {**self.record, "endpoints": self.endpoints})

    def undo(self) -> None:
        containers.save(self.paths, self.record)

    def describe(self) -> str:
        names = ", ".join(self.endpoints) or "none"
        return f"write the networks of container {self.record['name']} into its record: {names}"


def connect(paths: Paths, network: Network, container_id: str, wanted: WantedEndpoint, run: Run) -> None:
    """Connect a container to a network, at once if it runs. A failure undoes all of it.

    wanted: what the user asks for on this network.

    Nothing happens to a container that does not run and is on the network already. Raises Connected if it runs, BadInput if it cannot be.
    """
    name = network["name"]
    with locks.ContainerLock(paths, container_id):
        record = locks.load_whole(paths, container_id)
        mode = record["hostConfig"]["NetworkMode"]
        if mode in records.MODES or mode.startswith("container:") or name in records.MODES:
            other = name if name in records.MODES else mode
            raise BadInput(f"network {other} excludes others: container {record['name']} cannot be connected to {name}")
        pid = state.running_pid(paths, container_id)
        if name in record["endpoints"]:
            if not pid:
                return  # as docker: whoever makes a container connects it to what it may be on, and nothing has to be done
            raise Connected(f"endpoint with name {record['name']} already exists in network {name}")
        wanted = _with_own_mac(record, name, wanted)
        checks.check(paths, {**record, "endpoints": {name: wanted}, "ports": []})
        # The record comes first. If this process dies half way, disconnect can undo the rest.
        run.apply(SaveEndpoints(paths, record, {**record["endpoints"], name: wanted}))
        if pid:
            _plug_in(paths, record, network, wanted, pid, run)
    emit(paths, network, "connect", container=container_id)


def _with_own_mac(record: Record, name: str, wanted: WantedEndpoint) -> WantedEndpoint:
    """Return an endpoint with the container's own MAC address, on the network that it was made for: compose 1 connects it there again."""
    own = record["config"]["MacAddress"] if name == record["hostConfig"]["NetworkMode"] else ""
    return {**wanted, "mac": wanted["mac"] or own}


def _plug_in(paths: Paths, record: Record, network: Network, wanted: WantedEndpoint, pid: int, run: Run) -> None:
    before, namespace = attachments.load(paths, record["id"]), f"{paths.proc}/{pid}/ns/net"
    joining = plug.Joining(paths, record, run, attachments.load(paths, record["id"]))
    try:
        with AllOrNothing(run):
            joining.claim({network["name"]: wanted})
            joining.plug(namespace, network["name"])
    except (Error, OSError) as error:
        problems: list[Error] = []
        for step in _other_way_out(before, namespace) if before and wanted.get("gwPriority") else []:
            attempt(problems, step.apply)  # the default route went with the new interface
        if problems:
            raise with_problems(error, problems) from error
        if state.has_ended(paths, record["id"], pid):
            raise Conflict(f"container {record['name']} ended meanwhile", "connect it again") from error
        raise


def connect_steps(paths: Paths, network: Network, container_id: str, wanted: WantedEndpoint) -> list[Step]:
    """Return the steps that connect() would execute, for --dry-run."""
    from mydocker.engine.connection.plan import joining_plan

    record = containers.load(paths, container_id)
    pid = state.running_pid(paths, container_id)
    steps: list[Step] = [SaveEndpoints(paths, record, {**record["endpoints"], network["name"]: wanted})]
    if pid and attachments.load(paths, container_id):
        steps += joining_plan(paths, record, network["name"], wanted, f"{paths.proc}/{pid}/ns/net")
    return steps


def disconnect(paths: Paths, network: Network, container_id: str, run: Run) -> None:
    """Disconnect a container from a network, at once if it runs.

    Stops at a failure: record and attachment name the network until all else is done, so that the same again does the rest. Raises
    Conflict if the container is not on the network.
    """
    name = network["name"]
    with locks.ContainerLock(paths, container_id):
        record = locks.load_whole(paths, container_id)
        if name not in record["endpoints"]:
            raise Conflict(f"container {record['name']} is not on network {name}")
        pid = state.running_pid(paths, container_id)
        attachment = attachments.load(paths, container_id) if pid else None
        try:
            for step in _unplug_steps(paths, record, attachment, name, f"{paths.proc}/{pid}/ns/net") if attachment else []:
                run.apply(step)
        except StepFailed as error:
            # What was to be done in its namespace needs no doing any more.
            if error.errno not in (ENOENT, ESRCH) or not pid or not state.has_ended(paths, container_id, pid):
                raise
        run.apply(SaveEndpoints(paths, record, {key: value for key, value in record["endpoints"].items() if key != name}))
    if run.done:  # and this is no dry run
        emit(paths, network, "disconnect", container=container_id)


def forget(paths: Paths, name: str, container_id: str, run: Run) -> None:
    """Take a network that is gone out of a container's record. Raises Conflict if the record does not name it."""
    with locks.ContainerLock(paths, container_id):
        record = containers.load(paths, container_id)
        if name not in record["endpoints"]:
            raise Conflict(f"container {record['name']} is not on network {name}")
        run.apply(SaveEndpoints(paths, record, {key: value for key, value in record["endpoints"].items() if key != name}))


def _unplug_steps(paths: Paths, record: Record, attachment: Attachment, name: str, namespace: str) -> list[Step]:
    """Return the steps that take a running container off a network.

    If its ports or its default route used that network, they use another of its networks from then on.
    """
    gone = next((each for each in attachment["endpoints"] if each["network"] == name), None)
    refresh = Action(lambda: hosts.refresh(paths, [name]), f"remove {attachment['name']} from /etc/hosts of those on network {name}")
    if not gone:  # a process that connected or disconnected it died half way, perhaps with addresses that no attachment has
        joining = plug.Joining(paths, record, Run("cli"), attachment)
        claimed = [address for address, owner in ipam.held_by(records.claims(paths, name)) if owner == record["id"]]
        released = [_release(paths, name, address, record["id"]) for address in sorted(claimed)]
        return [*released, *joining.publish_steps(), plug.WriteNames(paths, record, attachment), refresh]
    left: Attachment = {**attachment, "endpoints": [each for each in attachment["endpoints"] if each is not gone]}
    joining = plug.Joining(paths, record, Run("cli"), left)
    own = {address["address"] for address in gone["addresses"]}
    steps: list[Step] = []
    if any(each["address"] in own for each in attachment["published"]):
        steps.append(Withdraw(paths, attachment["published"]))
        joining.lead_ports_elsewhere()
    steps += driver(records.load(paths, name)["driver"], paths).disconnect(records.load(paths, name), gone, namespace)
    steps += [_release(paths, name, address, gone["owner"]) for address in sorted(own)]
    steps += _other_way_out(left, namespace) if gone["isDefault"] else []
    path = f"{paths.running(record['id'])}/network.json"
    steps.append(Action(lambda: attachments.save(paths, record["id"], left), f"write {path} without network {name}"))
    return [*steps, *joining.publish_steps(), plug.WriteNames(paths, record, left), refresh]


class Withdraw(Step):
    """Take published ports out of the rules."""

    paths: Paths
    published: list[Published]

    def apply(self) -> None:
        problems: list[Error] = []
        unplug.withdraw(self.paths, self.published, problems)
        if problems:
            raise problems[0]

    def describe(self) -> str:
        ports = ", ".join(f"{each['port']}/{each['protocol']}" for each in self.published)
        return f"nft delete the elements of ports {ports}"


def _release(paths: Paths, network: str, address: str, owner: str) -> Step:
    directory = records.claims(paths, network)
    return Action(
        lambda: ipam.release(directory, address, owner), f"release the address {address}", command("rm", "-f", f"{directory}/{address}")
    )


def _other_way_out(attachment: Attachment, namespace: str) -> list[Step]:
    """Return the steps that make the gateways of other networks the default routes, and mark their endpoints."""
    return [AddDefaultRoute(each["interface"], gateway, namespace) for each, gateway in choose_way_out(attachment["endpoints"])]
