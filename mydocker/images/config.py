"""The OCI image configuration (image-spec, config.md): a new one, history entries, chain ids, platforms."""

from __future__ import annotations

import os
import time

from mydocker.errors import BadInput, Damaged
from mydocker.images.layout import sha256
from mydocker.images.reference import is_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.images.layout import Document

# What of a container's config belongs to an image; HEALTHCHECK and ONBUILD are docker's, which OCI reserves names for.
IMAGE_KEYS = (
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Healthcheck",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "OnBuild",
    "Shell",
)
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


def now() -> str:
    """Return the time, RFC 3339, UTC, microseconds."""
    nanoseconds = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9)) + f".{nanoseconds % 10**9 // 1000:06d}Z"


def host_platform() -> str:
    """Return this machine's platform as images spell it: 'linux/amd64'."""
    machine = os.uname().machine
    return "linux/" + _ARCHITECTURES.get(machine, machine)


def platform_fields(platform: str) -> dict[str, str]:
    """Return architecture, os and perhaps variant for 'OS/ARCHITECTURE[/VARIANT]', 'ARCHITECTURE' or 'linux'. Raises BadInput."""
    parts = platform.split("/") if "/" in platform else _lone_platform(platform)
    if not 2 <= len(parts) <= 3 or not all(part.replace("_", "").isalnum() and part.isascii() for part in parts):
        raise BadInput(f"invalid platform {platform!r}: expected OS/ARCHITECTURE[/VARIANT], such as linux/arm64")
    if parts[0] != "linux":
        raise BadInput(f"invalid platform {platform!r}: only linux images can run here")
    architecture = _ARCHITECTURES.get(parts[1], parts[1])
    fields = {"architecture": architecture.split("/")[0], "os": parts[0]}
    variant = "/".join([*architecture.split("/")[1:], *parts[2:]])
    return {**fields, "variant": variant} if variant else fields


def _lone_platform(word: str) -> list[str]:
    return host_platform().split("/") if word == "linux" else ["linux", word]


def new_document(platform: str, settings: Document, created: str, author: str = "") -> Document:
    """Return an image configuration without layers. `settings` is its config object: Env, Cmd, …"""
    head = {"created": created, **({"author": author} if author else {})}
    return {**head, **platform_fields(platform), "config": settings, "rootfs": {"type": "layers", "diff_ids": []}, "history": []}


def image_settings(settings: Document) -> Document:
    """Return what of a container's config an image keeps, without what is empty."""
    return {key: settings[key] for key in IMAGE_KEYS if settings.get(key)}


def history_entry(created: str, created_by: str = "", author: str = "", comment: str = "") -> Document:
    """Return a history entry without its empty fields."""
    entry = {"created": created, "created_by": created_by, "author": author, "comment": comment}
    return {key: value for key, value in entry.items() if value}


def diff_ids(document: Document) -> list[str]:
    """Return a configuration's diff ids, lowest first. Raises Damaged for one that is not sha256:HEX: they become directories' names."""
    rootfs = document.get("rootfs")
    found: list[str] = (rootfs.get("diff_ids") or []) if isinstance(rootfs, dict) else []
    for diff_id in found:
        if not isinstance(diff_id, str) or not diff_id.startswith("sha256:") or not is_id(diff_id.removeprefix("sha256:")):
            raise Damaged(f"invalid diff id {diff_id!r}: expected sha256: and 64 hexadecimal digits")
    return found


def chain_ids(lowest_first: list[str]) -> list[str]:
    """Return the chain ids of these diff ids as 64 hexadecimal digits, topmost first (config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in lowest_first:
        chain.append(sha256(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return [digest.removeprefix("sha256:") for digest in reversed(chain)]
