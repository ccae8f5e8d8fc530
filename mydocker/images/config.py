"""The OCI image configuration (image-spec, config.md): its shape, a new one, history entries, chain ids, platforms."""

from __future__ import annotations

import os

from mydocker.errors import BadInput, Damaged
from mydocker.images import documents
from mydocker.images.documents import sha256
from mydocker.images.reference import is_id
from mydocker.images.times import is_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, NotRequired, TypedDict

    from mydocker.images.documents import Platform
    from mydocker.shape import Shape

    # A set, as Go writes one: only the keys count, and their values may be anything.
    JsonSet = dict[str, object]

    class Healthcheck(TypedDict, total=False):
        """HEALTHCHECK; the times in nanoseconds."""

        Test: list[str]
        Interval: int
        Timeout: int
        StartPeriod: int
        StartInterval: int
        Retries: int

    class ImageConfig(TypedDict, total=False):
        """The config object: what a container of this image has unless its user says otherwise."""

        User: str
        ExposedPorts: JsonSet
        Env: list[str]
        Entrypoint: list[str]
        Cmd: list[str]
        Healthcheck: Healthcheck
        Volumes: JsonSet
        WorkingDir: str
        Labels: dict[str, str]
        StopSignal: str
        OnBuild: list[str]
        Shell: list[str]

    class History(TypedDict, total=False):
        """How a layer, or a setting, came to be."""

        created: str
        created_by: str
        author: str
        comment: str
        empty_layer: bool

    class Rootfs(TypedDict):
        """The layers."""

        type: str
        diff_ids: list[str]

    class ImageDocument(TypedDict):
        """The whole configuration, whose digest is the image's id."""

        created: NotRequired[str]
        author: NotRequired[str]
        architecture: NotRequired[str]
        os: NotRequired[str]
        variant: NotRequired[str]
        config: ImageConfig
        rootfs: Rootfs
        history: list[History]
        container_config: NotRequired[object]


HEALTHCHECK: Shape = {
    "Test": ["text"],  # ["NONE"], ["CMD", WORD, …] or ["CMD-SHELL", COMMAND]
    "Interval": "natural",
    "Timeout": "natural",
    "StartPeriod": "natural",
    "StartInterval": "natural",
    "Retries": "natural",
}
# Of these, HEALTHCHECK, ONBUILD and SHELL are docker's, which OCI reserves names for.
IMAGE_CONFIG: Shape = {
    "User": "text",
    "ExposedPorts": {"*": "any"},  # {"80/tcp": {}}
    "Env": ["text"],
    "Entrypoint": ["text"],
    "Cmd": ["text"],
    "Healthcheck": HEALTHCHECK,
    "Volumes": {"*": "any"},  # {"/data": {}}
    "WorkingDir": "text",
    "Labels": {"*": "text"},
    "StopSignal": "text",
    "OnBuild": ["text"],
    "Shell": ["text"],
}
HISTORY: Shape = {
    "created": "text",
    "created_by": "text",
    "author": "text",
    "comment": "text",
    "empty_layer": "truth",
}
ROOTFS: Shape = {
    "type": ("text", "layers"),
    "diff_ids": (["text"], []),  # digests of the uncompressed layers, the lowest first
}
IMAGE_DOCUMENT: Shape = {
    "created": "text",
    "author": "text",
    "architecture": "text",
    "os": "text",
    "variant": "text",
    "config": (IMAGE_CONFIG, {}),
    "rootfs": (ROOTFS, {}),
    "history": ([HISTORY], []),
    "container_config": "any",  # docker before 23: the container that the topmost layer comes from
}

_PROTOCOLS = ("tcp", "udp", "sctp")
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loong64",
}


def image_document(data: bytes, name: str) -> ImageDocument:
    """Return an image configuration, its fields checked. name: what to call it. Raises Damaged."""
    document: ImageDocument = documents.read(data, IMAGE_DOCUMENT, name)
    for problem in _problems(document):
        raise Damaged(f"{name}: {problem}")
    return document


def _problems(document: ImageDocument) -> Iterator[str]:
    """Yield what is wrong with a configuration although its shape is right."""
    created = [("created", document.get("created"))]
    created += [(f"history[{number}].created", entry.get("created")) for number, entry in enumerate(document["history"])]
    for field, moment in created:
        if moment and not is_time(moment):
            yield f"{field} {moment!r}: expected a time by RFC 3339"
    for port in document["config"].get("ExposedPorts", ()):
        if not _is_port(port):
            yield f"config.ExposedPorts {port!r}: expected PORT[/tcp|udp|sctp]"
    for number, diff_id in enumerate(document["rootfs"]["diff_ids"]):
        # They become directories' names.
        if not diff_id.startswith("sha256:") or not is_id(diff_id.removeprefix("sha256:")):
            yield f"rootfs.diff_ids[{number}] {diff_id!r}: expected sha256: and 64 hexadecimal digits"


def _is_port(text: str) -> bool:
    number, slash, protocol = text.partition("/")
    is_number = number.isascii() and number.isdigit() and len(number) <= 5 and 0 < int(number) < 65536
    return is_number and (not slash or protocol.lower() in _PROTOCOLS)


def host_platform() -> str:
    """Return this machine's platform as images spell it: 'linux/amd64'."""
    machine = os.uname().machine
    return "linux/" + _ARCHITECTURES.get(machine, machine)


def platform_fields(platform: str) -> Platform:
    """Return architecture, os and perhaps variant for 'OS/ARCHITECTURE[/VARIANT]', 'ARCHITECTURE' or 'linux'. Raises BadInput."""
    parts = platform.split("/") if "/" in platform else _lone_platform(platform)
    if not 2 <= len(parts) <= 3 or not all(part.replace("_", "").isalnum() and part.isascii() for part in parts):
        raise BadInput(f"invalid platform {platform!r}: expected OS/ARCHITECTURE[/VARIANT], such as linux/arm64")
    if parts[0] != "linux":
        raise BadInput(f"invalid platform {platform!r}: only linux images can run here")
    architecture = _ARCHITECTURES.get(parts[1], parts[1])
    fields: Platform = {"architecture": architecture.split("/")[0], "os": parts[0]}
    variant = "/".join([*architecture.split("/")[1:], *parts[2:]])
    if variant:
        fields["variant"] = variant
    return fields


def _lone_platform(word: str) -> list[str]:
    return host_platform().split("/") if word == "linux" else ["linux", word]


def new_document(platform: str, settings: ImageConfig, created: str, author: str = "") -> ImageDocument:
    """Return an image configuration without layers. `settings` is its config object: Env, Cmd, …"""
    fields = platform_fields(platform)
    document: ImageDocument = {
        "created": created,
        "architecture": fields["architecture"],
        "os": fields["os"],
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [],
    }
    if "variant" in fields:
        document["variant"] = fields["variant"]
    if author:
        document["author"] = author
    return document


def image_settings(settings: Mapping[str, object]) -> ImageConfig:
    """Return what of a container's config an image keeps, without what is empty."""
    kept: Any = {key: settings[key] for key in IMAGE_CONFIG if settings.get(key)}
    found: ImageConfig = kept
    return found


def history_entry(created: str, created_by: str = "", author: str = "", comment: str = "") -> History:
    """Return a history entry without its empty fields."""
    entry: History = {"created": created}
    if created_by:
        entry["created_by"] = created_by
    if author:
        entry["author"] = author
    if comment:
        entry["comment"] = comment
    return entry


def platform_of(document: ImageDocument) -> Platform:
    """Return what a configuration says of its platform, as a descriptor has it."""
    found: Platform = {}
    if architecture := document.get("architecture"):
        found["architecture"] = architecture
    if system := document.get("os"):
        found["os"] = system
    if variant := document.get("variant"):
        found["variant"] = variant
    return found


def chain_ids(lowest_first: list[str]) -> list[str]:
    """Return the chain ids of these diff ids as 64 hexadecimal digits, topmost first (config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in lowest_first:
        chain.append(sha256(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return [digest.removeprefix("sha256:") for digest in reversed(chain)]
