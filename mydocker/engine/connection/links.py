"""Links (--link CONTAINER[:ALIAS]): names that one container alone has for others, and on the default network their addresses as variables.

On a network of a user's a link is one more name, whether the other one runs or not. On the default network, which has no names, it is a
line in /etc/hosts and variables such as DB_PORT_80_TCP_ADDR, and the other one must run first. The record has it by its id there, which
stays.
"""

from __future__ import annotations

from mydocker.engine.record import containers
from mydocker.errors import Conflict, NotFound
from mydocker.network import attachments, hosts, records
from mydocker.steps.base import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mydocker.engine.record.containers import Record, WantedEndpoint
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Step


def by_id(paths: Paths, endpoints: dict[str, WantedEndpoint]) -> None:
    """Name the containers of the default network's links by their ids. Raises NotFound if one does not exist."""
    wanted = endpoints.get(records.DEFAULT)
    if wanted and wanted.get("links"):
        pairs = [link.partition(":") for link in wanted["links"]]
        wanted["links"] = [f"{containers.resolve(paths, name)}:{alias}" for name, _, alias in pairs]


def of_default(record: Record) -> list[tuple[str, str]]:
    """Return (container id, alias) of each link of a container on the default network."""
    found = record["endpoints"].get(records.DEFAULT)
    return [(link.partition(":")[0], link.partition(":")[2]) for link in found.get("links", [])] if found else []


def names(records: Iterable[Record]) -> dict[str, list[str]]:
    """Return the names that containers have by the links of others on the default network, by id: 'OTHER/ALIAS'."""
    found: dict[str, list[str]] = {}
    for record in records:
        for other, alias in of_default(record):
            found.setdefault(other, []).append(f"{record['name']}/{alias}")
    return found


def named(paths: Paths, text: str) -> Record:
    """Return the record of the container that a link names. text: OTHER/ALIAS. Raises NotFound."""
    name, _, alias = text.partition("/")
    found = {known: other for other, known in of_default(containers.load(paths, containers.resolve(paths, name)))}
    if alias not in found:
        raise NotFound(f"no such container: {text}")
    return containers.load(paths, found[alias])


def shown(paths: Paths, record: Record) -> list[str] | None:
    """Return docker's HostConfig.Links: '/OTHER:/NAME/ALIAS'."""
    return [f"/{_name(paths, other)}:/{record['name']}/{alias}" for other, alias in of_default(record)] or None


def _name(paths: Paths, container_id: str) -> str:
    try:
        return containers.load(paths, container_id)["name"]
    except NotFound:
        return container_id[:12]


def with_variables(paths: Paths, record: Record, spec: Spec) -> Spec:
    """Return the spec with the variables of the container's links. Raises Conflict if one of the others does not run."""
    links = of_default(record)
    if not links:
        return spec
    found = [line for other, alias in links for line in _variables(paths, record["name"], other, alias)]
    process = spec["process"]
    known = {line.partition("=")[0] for line in process["env"]}
    return {**spec, "process": {**process, "env": [*process["env"], *(each for each in found if each.partition("=")[0] not in known)]}}


def _variables(paths: Paths, name: str, other_id: str, alias: str) -> Iterator[str]:
    try:
        other = containers.load(paths, other_id)
    except NotFound as error:
        raise Conflict(f"cannot link to container {other_id[:12]} as {alias}: it was removed") from error
    attachment = attachments.load(paths, other_id)
    address = hosts.default_address(attachment) if attachment else ""
    if not address:
        hint = f"mydocker start {other['name']}"
        raise Conflict(f"cannot link to container {other['name']} as {alias}: it does not run on the default network", hint)
    prefix = alias.upper().replace("-", "_")
    yield from _ports(prefix, address, sorted(other["config"]["ExposedPorts"] or {}, key=lambda port: int(port.partition("/")[0])))
    yield f"{prefix}_NAME=/{name}/{alias}"
    yield from (f"{prefix}_ENV_{line}" for line in other["config"]["Env"] if "=" in line and not line.startswith("PATH="))


def _ports(prefix: str, address: str, ports: list[str]) -> Iterator[str]:
    for position, text in enumerate(ports):
        port, _, protocol = text.partition("/")
        url = f"{protocol}://{address}:{port}"
        if position == 0:
            yield f"{prefix}_PORT={url}"
        own = f"{prefix}_PORT_{port}_{protocol.upper()}"
        yield from (f"{own}={url}", f"{own}_ADDR={address}", f"{own}_PORT={port}", f"{own}_PROTO={protocol}")


def removal(paths: Paths, text: str) -> Step:
    """Return the step that removes a link. text: NAME/ALIAS, as docker's rm --link has it. Raises NotFound."""
    name, _, alias = text.strip("/").partition("/")
    record = containers.load(paths, containers.resolve(paths, name)) if alias else None
    places = [] if record is None else [each for each in record["endpoints"].values() if _with_alias(each, alias)]
    if record is None or not places:
        raise NotFound(f"no such link: {text}")

    def remove() -> None:
        for each in places:
            each["links"] = [link for link in each["links"] if link.partition(":")[2] != alias]
        containers.save(paths, record)
        _forget(paths, record, alias)

    return Action(remove, f"remove the link {alias} of container {record['name']}")


def _with_alias(endpoint: WantedEndpoint, alias: str) -> bool:
    return any(link.partition(":")[2] == alias for link in endpoint.get("links", []))


def _forget(paths: Paths, record: Record, alias: str) -> None:
    """Take a link from what a running container is attached to."""
    attachment = attachments.load(paths, record["id"])
    if attachment:
        for endpoint in attachment["endpoints"]:
            endpoint["links"] = [link for link in endpoint.get("links", []) if link.partition(":")[2] != alias]
        attachments.save(paths, record["id"], attachment)
        hosts.refresh(paths, [endpoint["network"] for endpoint in attachment["endpoints"]])
