"""The option `idmap=` of crun, which podman passes on: it says by which ids a bind mount is mapped (crun.1, idmap mount options).

    idmap=uids=0-1-10#10-100-10;gids=@0-1-10

Each triplet is: the first id of the file system, the first id of the host, how many. With `@` the second one is the container's: to it is
added what the user namespace adds to the first one.
"""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import IdMapping, Linux, Mount

_DIGITS = 11  # of an id, with its sign


def with_mappings(mount: Mount, linux: Linux) -> Mount:
    """Return a mount whose option `idmap=…` has become what the specification has for it: the option `idmap`, and mappings.

    Raises BadInput for a text that says no mapping.
    """
    words = [word for word in mount["options"] if word.startswith("idmap=")]
    if not words:
        return mount
    options = [word for word in mount["options"] if word not in words]
    changed: Mount = {**mount, "options": [*options, "idmap"]}
    for part in words[-1].removeprefix("idmap=").split(";"):
        kind, _, triplets = part.partition("=")
        if kind == "uids":
            changed["uidMappings"] = _mappings(triplets, linux.get("uidMappings", []), words[-1])
        elif kind == "gids":
            changed["gidMappings"] = _mappings(triplets, linux.get("gidMappings", []), words[-1])
        else:
            raise _wrong(words[-1])
    return changed


def _mappings(text: str, own: list[IdMapping], option: str) -> list[IdMapping]:
    """Return what triplets say. own: the mappings of the container's user namespace."""
    found: list[IdMapping] = []
    for triplet in text.split("#"):
        numbers = triplet.removeprefix("@").split("-")
        if len(numbers) != 3 or not all(each.removeprefix("+").isdecimal() and len(each) <= _DIGITS for each in numbers):
            raise _wrong(option)
        first, second, size = (int(each) for each in numbers)
        added = _added(first, own, option) if triplet.startswith("@") else 0
        found.append({"containerID": first, "hostID": second + added, "size": size})
    return found


def _wrong(option: str) -> BadInput:
    return BadInput(f"mount option {option!r}: expected idmap=uids=0-1000-1;gids=0-1000-1")


def _added(number: int, mappings: list[IdMapping], option: str) -> int:
    """Return how much higher the host's id is for an id of the container. Raises BadInput if it is not mapped."""
    for each in mappings:
        if each["containerID"] <= number < each["containerID"] + each["size"]:
            return each["hostID"] - each["containerID"]
    raise BadInput(f"mount option {option!r}: id {number} is not mapped: expected one of the container's user namespace")
