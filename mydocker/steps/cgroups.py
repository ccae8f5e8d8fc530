"""Steps on cgroups that are more than writing to a file."""

from __future__ import annotations

from mydocker.steps.base import Step, quote


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
