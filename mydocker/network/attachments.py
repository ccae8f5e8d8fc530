"""A container's network attachment: what it has of the network while it runs.

STATE/ID/network.json (ATTACHMENT below) is written before the kernel is changed and removed after that is undone.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class Address(TypedDict):
        """An address of an endpoint."""

        address: str
        prefix: int
        gateway: str

    class Published(TypedDict):
        """A port of the host that leads to a container."""

        owner: str
        ip: str
        port: int
        protocol: str
        address: str
        container: int

    class Endpoint(TypedDict):
        """A container's place on one network."""

        network: str
        networkId: str
        driver: str
        owner: str
        interface: str
        link: str
        mac: str
        addresses: list[Address]
        aliases: list[str]
        isDefault: bool
        published: list[Published]
        result: NotRequired[object]

    class Attachment(TypedDict):
        """STATE/ID/network.json."""

        name: str
        hostname: str
        endpoints: list[Endpoint]
        published: list[Published]


ADDRESS: Shape = {
    "address!": "text",
    "prefix!": "natural",  # the length of its subnet's prefix in bits
    "gateway!": "text",  # '' for none
}
PUBLISHED: Shape = {
    "owner!": "text",  # the container's id
    "ip!": "text",  # the address of the host, '' for all of them
    "port!": "natural",  # of the host
    "protocol!": "text",
    "address!": "text",  # of the container, '' where a CNI chain leads the port
    "container!": "natural",  # the container's port
}
ENDPOINT: Shape = {
    "network!": "text",  # its name
    "networkId": ("text", ""),
    "driver": ("text", ""),  # the network's
    "owner!": "text",  # the container's id
    "interface!": "text",  # inside
    "link!": "text",  # on the host: the other end of a veth pair, where there is one
    "mac!": "text",
    "addresses!": [ADDRESS],
    "aliases!": ["text"],  # more names of the container on this network
    "isDefault!": "truth",  # its gateway is the way to everywhere
    "published": ([PUBLISHED], []),  # what a CNI chain was asked to publish
    "result": "any",  # what a CNI chain said: its plugins get it back as it is
}
ATTACHMENT: Shape = {
    "name!": "text",  # the container's
    "hostname!": "text",  # the container's
    "endpoints!": [ENDPOINT],
    "published!": [PUBLISHED],
}


def _path(paths: Paths, container_id: str) -> str:
    return f"{paths.running(container_id)}/network.json"


def load(paths: Paths, container_id: str) -> Attachment | None:
    """Return the container's network attachment, or None. Raises Damaged when the file is no such document."""
    try:
        found: Attachment = store.read_document(_path(paths, container_id), ATTACHMENT)
    except FileNotFoundError:
        return None
    return found


def blank(name: str, hostname: str) -> Attachment:
    """Return the attachment of a container that is on no network yet."""
    return {"name": name, "hostname": hostname, "endpoints": [], "published": []}


def save(paths: Paths, container_id: str, attachment: Attachment) -> None:
    """Write the container's network attachment."""
    store.write_json(_path(paths, container_id), attachment, sync=False)


def forget(paths: Paths, container_id: str) -> None:
    """Remove the container's network attachment; it is no error when there is none."""
    store.remove_tree(_path(paths, container_id))


def every(paths: Paths) -> dict[str, Attachment]:
    """Return the attachments of all containers by id, the latest written last; a damaged one is left out."""
    found: list[tuple[float, str, Attachment]] = []
    for container_id in os.listdir(paths.state) if os.path.isdir(paths.state) else []:
        try:
            attachment = load(paths, container_id) if len(container_id) == 64 else None
            if attachment:
                found.append((os.stat(_path(paths, container_id)).st_mtime, container_id, attachment))
        except (FileNotFoundError, NotADirectoryError, Damaged):
            continue  # it ended meanwhile
    return {container_id: attachment for _, container_id, attachment in sorted(found, key=lambda each: each[:2])}


def unreadable(paths: Paths) -> set[str]:
    """Return the short ids of the containers whose attachments are damaged."""
    found = set()
    for container_id in os.listdir(paths.state) if os.path.isdir(paths.state) else []:
        try:
            _ = load(paths, container_id) if len(container_id) == 64 else None
        except Damaged:
            found.add(container_id[:12])
    return found


def published(paths: Paths) -> list[Published]:
    """Return all published ports of this host, each once: where two containers say that they have the same port, the later one has it."""
    found: dict[tuple[str, int, str, bool], Published] = {}
    for attachment in every(paths).values():
        for each in (port for port in attachment["published"] if port["address"]):
            found[(each["ip"], each["port"], each["protocol"], ":" in each["address"])] = each
    return list(found.values())


def on_network(paths: Paths, name: str) -> dict[str, Attachment]:
    """Return the attachments of the containers that are on a network, by id."""
    return {i: each for i, each in every(paths).items() if any(endpoint["network"] == name for endpoint in each["endpoints"])}
