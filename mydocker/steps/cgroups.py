"""Steps on cgroups that are more than writing to a file."""

from __future__ import annotations

from mydocker.kernel.process import fork_into
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


class ForkInto(Step):
    """Fork a child that is born in a version 2 cgroup."""

    directory: str
    body: Callable[[], NoReturn] | None = None  # what the child does; a step that is only told has none
    pid: int = 0  # the child's, once it is forked

    def apply(self) -> None:
        self.pid = fork_into(self.directory)
        if self.pid == 0 and self.body:
            self.body()

    def describe(self) -> str:
        return f"clone3 CLONE_INTO_CGROUP {quote(self.directory)}: init is born in it"

    def shell(self) -> str:
        return f"echo 0 > {quote(self.directory + '/cgroup.procs')}"


class AttachDevices(Step):
    """Make an eBPF program the only device program of a version 2 cgroup. It ends with the cgroup, so there is no undo."""

    path: str  # the cgroup's directory
    program: bytes  # instructions of 8 bytes each
    rules: str  # what the program decides, for people

    def apply(self) -> None:
        # The module is imported here, as only version 2 needs it, and only for device rules.
        from mydocker.kernel import bpf

        bpf.replace_device_program(self.path, self.program)

    def describe(self) -> str:
        return f"bpf BPF_PROG_ATTACH BPF_CGROUP_DEVICE {len(self.program) // 8} instructions to {quote(self.path)}: {self.rules}"
