"""network connect and disconnect: another network for a container that exists, at once if it runs."""

from __future__ import annotations

from typing import Any

from mydocker import store
from mydocker.engine import containers, networking, state, unplugging
from mydocker.engine.networks import Network, emit
from mydocker.errors import BadInput, Conflict, Error
from mydocker.network import attachments, hosts, records
from mydocker.paths import Paths
from mydocker.steps.base import Run, Step
from mydocker.steps.interfaces import AddDefaultRoute


class SaveEndpoints(Step):
    """Write into a container's record which networks it is on, from its next start on."""

    __slots__ = ("paths", "record")

    def __init__(self, paths: Paths, record: dict[str, Any]) -> None:
        self.paths = paths
        self.record = record

    def apply(self) -> None:
        containers.save(self.paths, self.record)

    def describe(self) -> str:
        names = ", ".join(self.record["endpoints"]) or "none"
        return f"write the networks of container {self.record['name']} into its record: {names}"


def connect(paths: Paths, network: Network, container_id: str, wanted: dict[str, Any], run: Run) -> None:
    """Connect a container, at once if it runs. Raises Conflict, BadInput; a failure undoes all of it."""
    name = network["name"]
    with store.Lock(paths.container(container_id) + "/lock"):
        record = containers.load(paths, container_id)
        mode = record["hostConfig"]["NetworkMode"]
        if mode in records.MODES or mode.startswith("container:") or name in records.MODES:
            other = name if name in records.MODES else mode
            raise BadInput(f"network {other} excludes others: container {record['name']} cannot be connected to {name}")
        if name in record["endpoints"]:
            raise Conflict(f"container {record['name']} is on network {name} already")
        changed = {**record, "endpoints": {**record["endpoints"], name: wanted}}
        networking.check(paths, {**record, "endpoints": {name: wanted}, "ports": []})
        pid = state.running_pid(paths, container_id)
        if pid:
            _plug_in(paths, record, network, wanted, f"{paths.proc}/{pid}/ns/net", run)
        run.apply(SaveEndpoints(paths, changed))
    emit(paths, network, "connect", container=container_id)


def _plug_in(paths: Paths, record: dict[str, Any], network: Network, wanted: dict[str, Any], namespace: str, run: Run) -> None:
    joining = networking.Joining(paths, record, run, attachments.load(paths, record["id"]))
    try:
        joining.claim({network["name"]: wanted})
        joining.plug(namespace, joining.attachment["endpoints"][-1:])
    except (Error, OSError):
        problems = run.undo_all()
        if problems:
            raise problems[0] from None
        raise


def disconnect(paths: Paths, network: Network, container_id: str, run: Run) -> None:
    """Disconnect a container, at once if it runs. Raises Conflict when it is not connected; goes on past failures, raises the first."""
    name = network["name"]
    with store.Lock(paths.container(container_id) + "/lock"):
        record = containers.load(paths, container_id)
        if name not in record["endpoints"]:
            raise Conflict(f"container {record['name']} is not on network {name}")
        pid = state.running_pid(paths, container_id)
        problems = _unplug(paths, record, name, f"{paths.proc}/{pid}/ns/net", run) if pid else []
        kept = {key: value for key, value in record["endpoints"].items() if key != name}
        run.apply(SaveEndpoints(paths, {**record, "endpoints": kept}))
    emit(paths, network, "disconnect", container=container_id)
    if problems:
        raise problems[0]


def _unplug(paths: Paths, record: dict[str, Any], name: str, namespace: str, run: Run) -> list[Error]:
    attachment = attachments.load(paths, record["id"])
    gone = next((each for each in attachment["endpoints"] if each["network"] == name), None) if attachment else None
    if not attachment or not gone:
        return []
    problems: list[Error] = []
    joining = networking.Joining(paths, record, run, attachment)
    led_here = any(each["address"] in (address["address"] for address in gone["addresses"]) for each in attachment["published"])
    if led_here:
        unplugging.withdraw(paths, attachment, problems)
    unplugging.leave(paths, gone, namespace, problems)
    attachment["endpoints"].remove(gone)
    if led_here:
        joining.lead_ports_elsewhere()
    if gone["isDefault"]:
        run.execute(_other_way_out(attachment, namespace))
    attachments.save(paths, record["id"], attachment)
    joining.publish()
    run.apply(networking.WriteNames(paths, record, attachment))
    hosts.refresh(paths, [name])
    return problems


def _other_way_out(attachment: dict[str, Any], namespace: str) -> list[Step]:
    """Return the steps that make another network's gateway the way to everywhere."""
    for endpoint in attachment["endpoints"]:
        gateways = [each["gateway"] for each in endpoint["addresses"] if each["gateway"]]
        if gateways:
            endpoint["isDefault"] = True
            return [AddDefaultRoute(endpoint["interface"], gateway, namespace) for gateway in gateways]
    return []
