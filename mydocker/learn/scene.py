"""What a check looks at: the lab's processes, this machine's cgroups, and what stands for the host."""

from __future__ import annotations

from mydocker.learn.facts import Fact, fact
from mydocker.learn.texts import text
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout
    from mydocker.learn.process import Process

MARK = "LESSON"


class Scene(Value):
    """All that a check may look at."""

    keeper: Process  # the lab's first process: its namespaces are what a lesson calls the host's
    processes: list[Process]  # of the lab
    layout: Layout
    work: str  # the directory in which the lab's shell begins

    def marked(self, name: str) -> list[Process]:
        """Return the processes that carry a lesson's mark."""
        return [each for each in self.processes if each.variables().get(MARK) == name and each.state() not in ("Z", "")]

    def is_hosts(self, process: Process, kind: str) -> bool:
        """Say whether a process is in the host's namespace of a kind. One that has ended is in none."""
        return process.namespace(kind) in ("", self.keeper.namespace(kind))


def nobody(name: str) -> Fact:
    """Return the fact that no process carries a lesson's mark."""
    return fact(
        False,
        text(f"a process that has {MARK}={name} in its environment runs", f"有一个进程在运行，它的环境变量中有 {MARK}={name}"),
        text(
            f"begin with `env {MARK}={name} ...`, and let it go on running: end the line with &",
            f"命令以 `env {MARK}={name} ...` 开头，并让它一直运行：行末加 &",
        ),
    )
