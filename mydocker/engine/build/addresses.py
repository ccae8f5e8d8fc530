"""Which sources of ADD are addresses, and of what."""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.images.reference import is_id

PROTOCOLS = ("http", "https", "git", "ssh")


def is_address(text: str) -> bool:
    """Say whether a source of ADD is an address and no path."""
    return (text.partition("://")[0] in PROTOCOLS and "://" in text) or text.startswith("git@")


def is_repository(address: str) -> bool:
    """Say whether an address is that of a git repository, by BuildKit's rules: by HTTP, only what ends in .git is one."""
    scheme, _, rest = address.partition("://")
    return scheme not in ("http", "https") or rest.partition("#")[0].partition("?")[0].endswith(".git")


def check_checksum(text: str, sources: list[str]) -> None:
    """Raise BadInput unless a --checksum can be checked."""
    if not text.startswith("sha256:") or not is_id(text.removeprefix("sha256:")):
        raise BadInput(f"invalid checksum {text!r}: expected sha256: and 64 hexadecimal digits")
    if len(sources) != 1 or not is_address(sources[0]) or is_repository(sources[0]):
        raise BadInput("--checksum is for one source, which is an http:// or https:// address of a file")
