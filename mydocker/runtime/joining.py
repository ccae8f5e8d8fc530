"""Entering a running container: its namespaces, held open while it may end."""

from __future__ import annotations

import os

from mydocker.kernel.namespaces import NAMESPACES
from mydocker.runtime.mounts import FIRST_TREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Linux, Namespace, Spec


def hold_namespaces(pid: int, proc: str = "/proc") -> str:
    """Open the directory of a process's namespaces, which stays that of this process and no other; return its path.

    Whoever calls looks again afterwards whether the pid is still that of the process.
    """
    directory = os.open(f"{proc}/{pid}/ns", os.O_PATH | os.O_DIRECTORY)
    os.dup2(directory, FIRST_TREE, inheritable=False)
    os.close(directory)
    return f"/proc/self/fd/{FIRST_TREE}"


def joined(spec: Spec, directory: str) -> Spec:
    """Return a container's spec for one more process of it, whose namespaces are found in `directory`."""
    kinds = {entry["type"] for entry in spec["linux"]["namespaces"]}
    # The mount namespace last: after it /proc is the container's.
    ordered = [*(kind for kind in NAMESPACES if kind in kinds and kind != "mount"), "mount"]
    namespaces: list[Namespace] = [{"type": kind, "path": f"{directory}/{NAMESPACES[kind][0]}"} for kind in ordered]
    linux: Linux = {**spec["linux"], "namespaces": namespaces}
    linux.pop("timeOffsets", None)
    return {**spec, "linux": linux}
