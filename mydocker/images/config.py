"""The OCI image configuration (image-spec, config.md): its shape, and functions for its parts: history, chain ids, platforms."""

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

    # A set as Go writes it to JSON: only the keys count, and the values may be anything.
    JsonSet = dict[str, object]

    class Healthcheck(TypedDict, total=False):
        """What HEALTHCHECK says. All times are in nanoseconds."""

        Test: list[str]
        Interval: int
        Timeout: int
        StartPeriod: int
        StartInterval: int
        Retries: int

    class ImageConfig(TypedDict, total=False):
        """The config object: what a container of this image gets unless its user says otherwise."""

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
        """How a layer or a setting was made."""

        created: str
        created_by: str
        author: str
        comment: str
        empty_layer: bool

    class Rootfs(TypedDict):
        """The layers, by the digests of their uncompressed tars."""

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
# Healthcheck, OnBuild and Shell are docker's fields. OCI reserves their names.
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
    "created": "text",  # RFC 3339
    "created_by": "text",  # the command or the instruction
    "author": "text",
    "comment": "text",
    "empty_layer": "truth",  # whether there is no layer for this entry
}
ROOTFS: Shape = {
    "type": ("text", "layers"),
    "diff_ids": (["text"], []),  # digests of the uncompressed layers, the lowest first
}
IMAGE_DOCUMENT: Shape = {
    "created": "text",  # RFC 3339
    "author": "text",
    "architecture": "text",  # as Go names it: 'amd64'
    "os": "text",
    "variant": "text",  # of the architecture: 'v7'
    "config": (IMAGE_CONFIG, {}),
    "rootfs": (ROOTFS, {}),
    "history": ([HISTORY], []),
    "container_config": "any",  # by docker before 23: the config of the container from which the topmost layer was made
}

# Where a container looks for programs if its image does not say (docker's).
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROTOCOLS = ("tcp", "udp", "sctp")
# The kernel's name of a machine (uname -m) → Go's name of its architecture, with a variant.
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
    "i386": "386",
    "armhf": "arm/v7",
    "armel": "arm/v6",
}
# What else is one alone: GOARCH, as images name architectures.
_KNOWN = {
    *["arm", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64", "riscv", "s390", "sparc64", "wasm"],
    *(a.split("/")[0] for a in _ARCHITECTURES.values()),
}


def image_document(data: bytes, name: str) -> ImageDocument:
    """Return an image configuration after checking its fields. name: what errors call it. Raises Damaged."""
    document: ImageDocument = documents.read(data, IMAGE_DOCUMENT, name)
    for problem in _problems(document):
        raise Damaged(f"{name}: {problem}")
    return document


def _problems(document: ImageDocument) -> Iterator[str]:
    """Yield what is wrong with a configuration whose shape is right."""
    created = [("created", document.get("created"))]
    created += [(f"history[{number}].created", entry.get("created")) for number, entry in enumerate(document["history"])]
    for field, moment in created:
        if moment and not is_time(moment):
            yield f"{field} {moment!r}: expected a time by RFC 3339"
    for port in document["config"].get("ExposedPorts", ()):
        if not _is_port(port):
            yield f"config.ExposedPorts {port!r}: expected PORT[/tcp|udp|sctp]"
    for number, diff_id in enumerate(document["rootfs"]["diff_ids"]):
        # Diff ids become names of directories.
        if not diff_id.startswith("sha256:") or not is_id(diff_id.removeprefix("sha256:")):
            yield f"rootfs.diff_ids[{number}] {diff_id!r}: expected sha256: and 64 hexadecimal digits"


def _is_port(text: str) -> bool:
    number, slash, protocol = text.partition("/")
    is_number = number.isascii() and number.isdigit() and len(number) <= 5 and 0 < int(number) < 65536
    return is_number and (not slash or protocol.lower() in _PROTOCOLS)


def host_platform() -> str:
    """Return this machine's platform as images spell it, such as 'linux/amd64'."""
    machine = os.uname().machine
    return "linux/" + _ARCHITECTURES.get(machine, machine)


def platform_fields(platform: str) -> Platform:
    """Return architecture, os and perhaps variant for 'OS/ARCHITECTURE[/VARIANT]', 'ARCHITECTURE' or 'linux'. Capitals do not count.

    Raises BadInput if the text is none of these, or if the os is not linux.
    """
    parts = platform.lower().split("/")
    if len(parts) == 1:
        parts = _lone_platform(*parts)
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
    if word == "linux":
        return host_platform().split("/")
    if word not in (*_ARCHITECTURES, *_KNOWN):
        raise BadInput(f"invalid platform {word!r}: unknown operating system or architecture, expected one such as arm64")
    return ["linux", word]


def new_document(platform: str, settings: ImageConfig, created: str, author: str = "") -> ImageDocument:
    """Return an image configuration without layers.

    platform: as platform_fields() takes it.
    settings: its config object.
    created: the time, RFC 3339.
    """
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
    """Return the part of a container's config that an image keeps, without empty fields."""
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
    """Return the platform that a configuration names, in the form that a descriptor has."""
    found: Platform = {}
    if architecture := document.get("architecture"):
        found["architecture"] = architecture
    if system := document.get("os"):
        found["os"] = system
    if variant := document.get("variant"):
        found["variant"] = variant
    return found


def chain_ids(lowest_first: list[str]) -> list[str]:
    """Return the chain ids of these diff ids as 64 hexadecimal digits, the topmost first (config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in lowest_first:
        chain.append(sha256(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return [digest.removeprefix("sha256:") for digest in reversed(chain)]
