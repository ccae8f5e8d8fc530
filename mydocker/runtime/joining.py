"""The namespaces of a running container, for one more process that enters it. They are held open, because the container may end."""

from __future__ import annotations

import os

from mydocker.kernel.mounts import place
from mydocker.kernel.namespaces import NAMESPACES
from mydocker.runtime.mounts import FIRST_TREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Linux, Namespace, Spec

_HELD = "/proc/self/fd/"


def hold_namespaces(pid: int, proc: str = "/proc") -> str:
    """Open the directory of a process's namespaces as descriptor FIRST_TREE, and return the path of that.

    The directory stays that of this process, even if another process gets the pid. The caller must check afterwards that the pid still
    was that of the process it meant.
    """
    directory = os.open(f"{proc}/{pid}/ns", os.O_PATH | os.O_DIRECTORY)
    try:
        place(directory, FIRST_TREE)
    except OSError:
        return f"{_HELD}{directory}"  # few files may be open: then it stays among the others
    return f"{_HELD}{FIRST_TREE}"


def held(spec: Spec) -> set[int]:
    """Return the descriptors by which a spec names namespaces."""
    paths = [namespace.get("path", "") for namespace in spec["linux"]["namespaces"]]
    numbers = [path.removeprefix(_HELD).partition("/")[0] for path in paths if path.startswith(_HELD)]
    return {int(number) for number in numbers if number.isdecimal()}


def joined(spec: Spec, directory: str) -> Spec:
    """Return a container's spec for one more process of the container.

    directory: the directory of the namespaces to join, as hold_namespaces() returns it.
    """
    kinds = {entry["type"] for entry in spec["linux"]["namespaces"]}
    # The mount namespace is joined last, because after it /proc is the container's.
    ordered = [*(kind for kind in NAMESPACES if kind in kinds and kind != "mount"), "mount"]
    namespaces: list[Namespace] = [{"type": kind, "path": f"{directory}/{NAMESPACES[kind][0]}"} for kind in ordered]
    linux: Linux = {**spec["linux"], "namespaces": namespaces}
    linux.pop("timeOffsets", None)
    return {**spec, "linux": linux}
