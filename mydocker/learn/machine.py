"""What this machine can show: its cgroups, its layered file systems, whose it is."""

from __future__ import annotations

import os
import shutil

from mydocker.cgroups.layout import Layout
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths

# Programs of others that lessons speak of. They need not be there.
PROGRAMS = ("runc", "crun")


class Machine(Value):
    """What lessons want to know of a machine."""

    layout: Layout
    filesystems: tuple[str, ...]  # those that its kernel has already loaded
    is_root: bool
    processors: int = 1

    def has(self, word: str) -> bool:
        """Say whether the machine has what a word stands for. a|b: one of them.

        The words are v1, v2, aufs, overlay, root, processors (more than one), a controller, or a program.

        v1 and v2 are about the version in which the memory controller is, as a machine with both has each controller in one of them.
        """
        if "|" in word:
            return any(self.has(each) for each in word.split("|"))
        if word in PROGRAMS:
            return shutil.which(word) is not None
        if word in ("v1", "v2"):
            memory = self.layout.find("memory")
            return bool(memory and memory.version == int(word[1]))
        if word == "root":
            return self.is_root
        if word == "processors":
            return self.processors > 1
        return word in self.filesystems if word in ("aufs", "overlay") else bool(self.layout.find(word))


def this_machine(paths: Paths) -> Machine:
    """Return what is true of this machine."""
    with open(f"{paths.proc}/filesystems") as file:
        names = tuple(line.split()[-1] for line in file)
    return Machine(layout=Layout.detect(paths), filesystems=names, is_root=os.geteuid() == 0, processors=len(os.sched_getaffinity(0)))
