"""How a container leaves its networks: after its end, after a crash, or by `network disconnect`. All of it goes on past failures."""

from __future__ import annotations

import os

from mydocker.engine.record import containers, state
from mydocker.errors import Damaged, Error, NotFound, attempt
from mydocker.network import attachments, bridge, hosts, ipam, records
from mydocker.network.drivers import driver
from mydocker.network.portclaims import ClaimPort
from mydocker.steps.links import DeleteLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Endpoint, Published
    from mydocker.paths import Paths
    from mydocker.steps.base import Run


def is_in_use(paths: Paths, owner: str) -> bool:
    """Say whether a container runs, or a process is starting or removing it at the moment."""
    return bool(state.running_pid(paths, owner)) or state.is_busy(paths, owner)


def users(paths: Paths, network: str) -> list[str]:
    """Return the ids of the living containers that are on a network."""
    holders = {*attachments.on_network(paths, network), *(owner for _, owner in ipam.held_by(records.claims(paths, network)))}
    return sorted(owner for owner in holders if is_in_use(paths, owner))


def unplug(paths: Paths, container_id: str, later: list[int] | None = None) -> list[Error]:
    """Undo all that a container which no longer runs had of the network, and return the problems.

    later: gets the indices of the links instead of having them removed here. The kernel takes 15 ms for each, and the caller removes
        them later.
    """
    attachment = attachments.load(paths, container_id)
    problems: list[Error] = []
    if not attachment and not os.path.exists(paths.running(container_id)):
        _unplug_unknown(paths, container_id, problems)
    if attachment:
        withdraw(paths, attachment["published"], problems)
        for endpoint in attachment["endpoints"]:
            leave(paths, endpoint, "", problems, later)
        attempt(problems, attachments.forget, paths, container_id)
        networks = [endpoint["network"] for endpoint in attachment["endpoints"]]
        attempt(problems, hosts.refresh, paths, networks)
    return problems


def _unplug_unknown(paths: Paths, container_id: str, problems: list[Error]) -> None:
    """Undo what a container had whose directory under STATE somebody removed: its record and the claims tell of it."""
    try:
        record = containers.load(paths, container_id)
    except (NotFound, Damaged):
        return
    withdraw(paths, record["published"], problems)
    for directory in [records.claims(paths, name) for name in record["endpoints"]]:
        for address, owner in ipam.held_by(directory):
            if owner == container_id:
                attempt(problems, ipam.release, directory, address, owner)


def withdraw(paths: Paths, published: list[Published], problems: list[Error]) -> None:
    """Take a container's published ports out of the rules. Adds to `problems` what fails."""
    led = [each for each in published if each["address"]]
    attempt(problems, bridge.BridgeDriver(paths).withdraw, led)


def leave(paths: Paths, endpoint: Endpoint, namespace: str, problems: list[Error], later: list[int] | None = None) -> None:
    """Unplug one endpoint and release its addresses.

    namespace: the path of the container's network namespace, or '' if it is gone.
    problems: gets what fails.
    later: see unplug().
    """
    name = endpoint["network"]
    try:
        network = records.load(paths, name)
    except NotFound:
        network = None  # it was removed by force, and with it all that it had
    for step in driver(network["driver"], paths).disconnect(network, endpoint, namespace) if network else []:
        if later is not None and isinstance(step, DeleteLink):
            later.append(step.index())
        else:
            attempt(problems, step.apply)
    for each in endpoint["addresses"]:
        attempt(problems, ipam.release, records.claims(paths, name), each["address"], endpoint["owner"])


def close_ports(run: Run) -> None:
    """Release the ports of the host that a monitor has claimed. run: the monitor's."""
    for step in run.done:
        if isinstance(step, ClaimPort):
            step.undo()
