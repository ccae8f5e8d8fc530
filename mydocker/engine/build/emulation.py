"""Whether programs of another architecture can run here: because the processor can, or because binfmt_misc leads them to an emulator.

Source: Documentation/admin-guide/binfmt-misc.rst of the kernel, elf(5).
"""

from __future__ import annotations

import os

from mydocker.engine.container.children import Child
from mydocker.errors import StepFailed
from mydocker.images.config import host_platform
from mydocker.kernel.namespaces import CLONE_NEWNS
from mydocker.steps.base import Run
from mydocker.steps.mounts import Mount
from mydocker.steps.namespaces import ReceiveMounts, Unshare

# Go's name of an architecture → e_machine of its ELF files, as the two bytes are in them.
_MACHINES = {
    "386": b"\x03\x00",
    "amd64": b"\x3e\x00",
    "arm": b"\x28\x00",
    "arm64": b"\xb7\x00",
    "loong64": b"\x02\x01",
    "ppc64le": b"\x15\x00",
    "riscv64": b"\xf3\x00",
    "s390x": b"\x00\x16",
}
_PLACE = "sys/fs/binfmt_misc"
# These processors execute the programs of others too; of arm64 only some do, so arm counts as one that can.
_COMPATIBLE = {"amd64": {"386"}, "arm64": {"arm"}}
_E_MACHINE = slice(18, 20)


def can_run(architecture: str, proc: str) -> bool:
    """Say whether programs of an architecture can run. Of one that is not known it is said that they can: the kernel will know.

    proc: where procfs is
    """
    own = host_platform().split("/")[1]
    if architecture not in _MACHINES or architecture == own or architecture in _COMPATIBLE.get(own, ()):
        return True
    return _MACHINES[architecture] in emulated(proc)


def emulated(proc: str) -> set[bytes]:
    """Return e_machine of all programs that binfmt_misc leads to an emulator."""
    place = f"{proc}/{_PLACE}"
    if os.path.exists(f"{place}/status"):
        return machines(place)
    # Where it is not mounted, what is registered counts all the same. It is looked at in a mount namespace of a child's own.
    theirs, ours = os.pipe()

    def look() -> None:
        Run("build").execute([Unshare(CLONE_NEWNS), ReceiveMounts(), Mount("binfmt_misc", place, "binfmt_misc")])
        os.write(ours, b"".join(sorted(machines(place))))

    child = Child(look)
    os.close(ours)
    with open(theirs, "rb") as file:
        told = file.read()
    try:
        child.wait()
    except StepFailed:
        return set()  # this kernel has no binfmt_misc, or not for whoever builds
    return {told[position : position + 2] for position in range(0, len(told), 2)}


def machines(place: str) -> set[bytes]:
    """Return e_machine of all ELF files that have an enabled entry in a mounted binfmt_misc."""
    found = set()
    for name in os.listdir(place):
        if name in ("register", "status"):
            continue
        with open(f"{place}/{name}", encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
        magic = next((bytes.fromhex(line.removeprefix("magic ")) for line in lines if line.startswith("magic ")), b"")
        if lines[:1] == ["enabled"] and magic.startswith(b"\x7fELF"):
            found.add(magic[_E_MACHINE])
    return found
