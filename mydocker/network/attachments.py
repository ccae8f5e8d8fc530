"""What a running container has of the network: STATE/ID/network.json, written before the kernel is changed and gone after that is undone.

name, hostname   the container's
endpoints        [{network, networkId, driver, owner, interface, link, mac, addresses, aliases, isDefault, published, result}]:
                 addresses: [{address, prefix, gateway}]; interface: inside; link: on the host; isDefault: its gateway is
                 everything's; published, result: what a CNI chain was asked for and said
published        [{owner, ip, port, protocol, address, container}], see nft.py; address: '' where a CNI chain leads the port
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class Published(TypedDict):
        """A port of the host that leads to a container."""

        owner: str
        ip: str
        port: int
        protocol: str
        address: str
        container: int

    Attachment = dict[str, Any]


PUBLISHED: Shape = {
    "owner!": "text",  # the container's id
    "ip!": "text",  # the address of the host, '' for all of them
    "port!": "natural",  # of the host
    "protocol!": "text",
    "address!": "text",  # of the container, '' where a CNI chain leads the port
    "container!": "natural",  # the container's port
}


def _path(paths: Paths, container_id: str) -> str:
    return f"{paths.running(container_id)}/network.json"


def load(paths: Paths, container_id: str) -> Attachment | None:
    """Return a container's, None when it has none."""
    try:
        found: Attachment = store.read_json(_path(paths, container_id))
    except FileNotFoundError:
        return None
    return found


def save(paths: Paths, container_id: str, attachment: Attachment) -> None:
    """Write a container's."""
    store.write_json(_path(paths, container_id), attachment, sync=False)


def forget(paths: Paths, container_id: str) -> None:
    """Remove a container's; what is not there is no error."""
    store.remove_tree(_path(paths, container_id))


def every(paths: Paths) -> dict[str, Attachment]:
    """Return those of all containers by id, the latest written last; a damaged one counts for nothing."""
    found: list[tuple[float, str, Attachment]] = []
    for container_id in os.listdir(paths.state) if os.path.isdir(paths.state) else []:
        try:
            attachment = load(paths, container_id) if len(container_id) == 64 else None
            if attachment:
                found.append((os.stat(_path(paths, container_id)).st_mtime, container_id, attachment))
        except (FileNotFoundError, NotADirectoryError, Damaged):
            continue  # it ended meanwhile
    return {container_id: attachment for _, container_id, attachment in sorted(found, key=lambda each: each[:2])}


def published(paths: Paths) -> list[dict[str, Any]]:
    """Return all published ports of this host, each once: where two containers say that they have one, the later has it."""
    found = {}
    for attachment in every(paths).values():
        for each in (port for port in attachment["published"] if port["address"]):
            found[(each["ip"], each["port"], each["protocol"], ":" in each["address"])] = each
    return list(found.values())


def on_network(paths: Paths, name: str) -> dict[str, Attachment]:
    """Return those of the containers that are on a network, by id."""
    return {i: each for i, each in every(paths).items() if any(endpoint["network"] == name for endpoint in each["endpoints"])}
