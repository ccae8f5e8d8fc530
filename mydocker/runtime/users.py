"""Who a container's process runs as: names looked up in the image's own passwd(5) and group(5), by docker's rules."""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.steps.idmap import Mapping

# Names that only the container's own files can resolve travel as annotations beside config.json's numbers.
USER_ANNOTATION = "mydocker.user"
GROUPS_ANNOTATION = "mydocker.groups"


def lookup(user: str, passwd: str, group: str, extra_groups: list[str]) -> tuple[int, int, list[int], str]:
    """Return (uid, gid, supplementary gids, home) for '[USER][:GROUP]', each a name or a number.

    passwd, group: the files' texts. Without GROUP the user's own groups count, with it only that one; extra_groups,
    names or numbers, are always added. A number without an entry is fine, a name is not: BadInput.
    """
    who, _, primary = user.partition(":")
    entry = _find(_entries(passwd, 7), who or "0")
    if entry is None and not who.isdigit() and who:
        raise BadInput(f"unable to find user {who}: no matching entries in passwd file")
    uid = _number(entry[2] if entry else who or "0")
    gid = int(entry[3]) if entry and entry[3].isdigit() else 0
    groups = _entries(group, 4)
    supplementary = []
    if primary:
        gid = _group(primary, groups)
    elif entry:
        supplementary = [int(g[2]) for g in groups if entry[0] in g[3].split(",") and int(g[2]) != gid]
    supplementary += [_group(name, groups) for name in extra_groups]
    if not primary and entry:
        supplementary.insert(0, gid)
    return uid, gid, list(dict.fromkeys(supplementary)), entry[5] if entry and entry[5] else "/"


def mappings(spec: dict[str, Any], kind: str) -> list[Mapping]:
    """Return config.json's uidMappings or gidMappings as (inside, outside, size)."""
    return [(m["containerID"], m["hostID"], m["size"]) for m in spec.get("linux", {}).get(kind, [])]


def _entries(text: str, fields: int) -> list[list[str]]:
    """Return the well-formed lines of passwd or group; others are the image's mistake and are left out."""
    lines = [line.split(":") for line in text.splitlines() if line and not line.startswith("#")]
    return [line for line in lines if len(line) >= fields and line[2].isdigit()]


def _find(entries: list[list[str]], key: str) -> list[str] | None:
    by_name = next((entry for entry in entries if entry[0] == key), None)
    return by_name or next((entry for entry in entries if entry[2] == key), None)


def _group(name: str, groups: list[list[str]]) -> int:
    entry = _find(groups, name)
    if entry is None and not name.isdigit():
        raise BadInput(f"unable to find group {name}: no matching entries in group file")
    return _number(entry[2] if entry else name)


def _number(text: str) -> int:
    if int(text) > 2**31 - 1:
        raise BadInput(f"user or group {text}: expected a number from 0 to 2147483647")
    return int(text)
