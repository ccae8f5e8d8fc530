"""The user and groups of a container's process. Names are looked up in the image's own passwd(5) and group(5), by docker's rules."""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Linux, Mount, Spec
    from mydocker.steps.idmap import Mapping

# Only the container's own files can resolve a name. So names are passed on as annotations, beside the numbers of config.json.
USER_ANNOTATION = "mydocker.user"
GROUPS_ANNOTATION = "mydocker.groups"
# With the value 1 the process keeps the groups of its caller. The name is crun's, and podman's `--group-add keep-groups` sets it.
_KEEP_ANNOTATION = "run.oci.keep_original_groups"
# A text with more digits than this is not a user or group, and int() is slow with thousands of digits.
_LONGEST_NUMBER = 20


def keeps_groups(spec: Spec) -> bool:
    """Return whether the container's processes keep their caller's supplementary groups."""
    return spec["annotations"].get(_KEEP_ANNOTATION) == "1"


def lookup(user: str, passwd: str, group: str, extra_groups: list[str]) -> tuple[int, int, list[int], str]:
    """Return (uid, gid, supplementary gids, home) of a user.

    user: '[USER][:GROUP]', each a name or a number.
    passwd, group: the texts of the files.
    extra_groups: further groups, as names or numbers.

    The primary group is always one of the supplementary groups (CVE-2022-36109), and so are the extra groups. The groups that list the user
    are added if `user` has no GROUP. A number needs no entry in the files.

    Raises BadInput for a name without an entry, and for a number above 2147483647.
    """
    who, _, primary = user.partition(":")
    entry = _find(_entries(passwd, 7, 2), who or "0")
    if entry is None and who and not _is_number(who):
        raise BadInput(f"unable to find user {who}: no matching entries in passwd file")
    groups = _entries(group, 4, 1)
    gid = _group(primary, groups) if primary else _in_range(entry[3] if entry else "0")
    listed = [_in_range(g[2]) for g in groups if entry and entry[0] in g[3].split(",")] if not primary else []
    extra = [_group(name, groups) for name in extra_groups]
    uid, home = _in_range(entry[2] if entry else who or "0"), entry[5] if entry else ""
    return uid, gid, list(dict.fromkeys([gid, *listed, *extra])), home or "/"


def mappings(owner: Linux | Mount) -> tuple[list[Mapping], list[Mapping]]:
    """Return uidMappings and gidMappings as lists of (first id inside, first id outside, how many).

    owner: what has them: the object `linux` of config.json, or one of its mounts.
    """
    kinds = (owner.get("uidMappings", []), owner.get("gidMappings", []))
    users, groups = ([(m["containerID"], m["hostID"], m["size"]) for m in kind] for kind in kinds)
    return users, groups


def _entries(text: str, fields: int, numbers: int) -> list[list[str]]:
    """Return the well-formed lines of passwd or group, each as its fields. Other lines are a mistake of the image and are left out.

    fields: how many fields a line has at least.
    numbers: how many fields, from the third on, are numbers.
    """
    lines = [line.strip().split(":") for line in text.split("\n") if not line.startswith("#")]
    return [line for line in lines if len(line) >= fields and all(map(_is_number, line[2 : 2 + numbers]))]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _find(entries: list[list[str]], key: str) -> list[str] | None:
    """Return the entry of a number or of a name, or None. A number is never taken for a name (CVE-2016-3697)."""
    if _is_number(key):
        return next((entry for entry in entries if int(entry[2]) == int(key)), None)
    return next((entry for entry in entries if entry[0] == key), None)


def _group(name: str, groups: list[list[str]]) -> int:
    entry = _find(groups, name)
    if entry is None and not _is_number(name):
        raise BadInput(f"unable to find group {name}: no matching entries in group file")
    return _in_range(entry[2] if entry else name)


def _in_range(text: str) -> int:
    if len(text) > 10 or int(text) > 2**31 - 1:
        raise BadInput(f"user or group {text}: expected a number from 0 to 2147483647")
    return int(text)
