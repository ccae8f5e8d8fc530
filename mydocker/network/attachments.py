"""A container's network attachment: the endpoints and the published ports that it has while it runs.

It is the file STATE/ID/network.json (ATTACHMENT below). The file is written before the kernel is changed, and it is removed after the
change is undone.
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
        linkLocal: NotRequired[list[str]]
        aliases: list[str]
        links: NotRequired[list[str]]
        gwPriority: NotRequired[int]
        leads: NotRequired[list[str]]
        isDefault: bool
        published: list[Published]
        result: NotRequired[object]

    class Attachment(TypedDict):
        """STATE/ID/network.json."""

        name: str
        hostname: str
        endpoints: list[Endpoint]
        published: list[Published]
        resolver: bool


ADDRESS: Shape = {
    "address!": "text",
    "prefix!": "natural",  # the length of its subnet's prefix in bits
    "gateway!": "text",  # '' if there is none
}
PUBLISHED: Shape = {
    "owner!": "text",  # the container's id
    "ip!": "text",  # the address of the host, '' for all its addresses
    "port!": "natural",  # the port of the host
    "protocol!": "text",  # 'tcp', 'udp' or 'sctp'
    "address!": "text",  # the address of the container, '' where a CNI chain leads the port
    "container!": "natural",  # the port of the container
}
ENDPOINT: Shape = {
    "network!": "text",  # the network's name
    "networkId": ("text", ""),
    "driver": ("text", ""),  # the name of the network's driver
    "owner!": "text",  # the container's id
    "interface!": "text",  # the name of the interface inside the container
    "link!": "text",  # the name of the link on the host: the other end of a veth pair, where there is one
    "mac!": "text",
    "addresses!": [ADDRESS],
    "linkLocal": ["text"],  # more addresses, which reach no further than the network, and have no names
    "aliases!": ["text"],  # more names of the container on this network
    "links": ["text"],  # CONTAINER:ALIAS, names that this container alone has for others
    "gwPriority": "number",  # as it was asked for
    "isDefault!": "truth",  # whether a gateway of it is a default route of the container's
    "leads": ["text"],  # of which families: '.' and ':'; missing for all of them
    "published": ([PUBLISHED], []),  # what a CNI chain was asked to publish
    "result": "any",  # what a CNI chain printed; its plugins get it back as it is
}
ATTACHMENT: Shape = {
    "name!": "text",  # the container's name
    "hostname!": "text",  # the container's host name
    "endpoints!": [ENDPOINT],
    "published!": [PUBLISHED],
    "resolver": ("truth", False),  # whether the container has a resolver, see engine/connection/listen.py
}


def names(container_id: str, attachment: Attachment, endpoint: Endpoint) -> list[str]:
    """Return the names that a container has for the others on a network, each once: its own, its aliases, its short id, its host name."""
    return list(dict.fromkeys([attachment["name"], *endpoint["aliases"], container_id[:12], attachment["hostname"]]))


def linked_as(links: list[str], container_id: str, attachment: Attachment) -> list[str]:
    """Return the names that links give to a container. links: CONTAINER:ALIAS, the container by its name or the beginning of its id"""
    pairs = [link.partition(":") for link in links]
    return [alias or name for name, _, alias in pairs if attachment["name"] == name or container_id.startswith(name)]


def _path(paths: Paths, container_id: str) -> str:
    return f"{paths.running(container_id)}/network.json"


def load(paths: Paths, container_id: str) -> Attachment | None:
    """Return the container's network attachment, or None if it has none. Raises Damaged if the file is not such a document."""
    try:
        found: Attachment = store.read_document(_path(paths, container_id), ATTACHMENT)
    except FileNotFoundError:
        return None
    return found


def blank(name: str, hostname: str) -> Attachment:
    """Return the attachment of a container that is on no network yet."""
    return {"name": name, "hostname": hostname, "endpoints": [], "published": [], "resolver": False}


def save(paths: Paths, container_id: str, attachment: Attachment) -> None:
    """Write the container's network attachment."""
    store.write_json(_path(paths, container_id), attachment, sync=False)


def forget(paths: Paths, container_id: str) -> None:
    """Remove the container's network attachment. It is not an error if there is none."""
    store.remove_tree(_path(paths, container_id))


def every(paths: Paths) -> dict[str, Attachment]:
    """Return the attachments of all containers by id, the latest written last. A damaged one is left out."""
    found: list[tuple[float, str, Attachment]] = []
    for container_id in os.listdir(paths.state) if os.path.isdir(paths.state) else []:
        try:
            attachment = load(paths, container_id) if len(container_id) == 64 else None
            if attachment:
                found.append((os.stat(_path(paths, container_id)).st_mtime, container_id, attachment))
        except (FileNotFoundError, NotADirectoryError, Damaged):
            continue  # the container ended meanwhile, or the file is damaged
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
    """Return all published ports of this host, each once.

    If two containers say that they have the same port, the one whose attachment was written later has it.
    """
    found: dict[tuple[str, int, str, bool], Published] = {}
    for attachment in every(paths).values():
        for each in (port for port in attachment["published"] if port["address"]):
            found[(each["ip"], each["port"], each["protocol"], ":" in each["address"])] = each
    return list(found.values())


def on_network(paths: Paths, name: str) -> dict[str, Attachment]:
    """Return the attachments of the containers that are on a network, by id."""
    return {i: each for i, each in every(paths).items() if any(endpoint["network"] == name for endpoint in each["endpoints"])}


def endpoint_id(endpoint: Endpoint) -> str:
    """Return docker's EndpointID: 64 hexadecimal digits, always the same for one container and network."""
    import binascii

    text = f"{endpoint['owner']} {endpoint['network']}"
    return "".join(f"{binascii.crc32(f'{part} {text}'.encode()):08x}" for part in range(8))
