"""Steps on cgroups that are more than writing to a file."""

from __future__ import annotations

from mydocker.steps.base import Step, quote


class AttachDevices(Step):
    """Make an eBPF program the only device program of a version 2 cgroup. Ends with the cgroup, so there is no undo.

    path: the cgroup's directory; program: its instructions; rules: what it decides, for people.
    """

    path: str
    program: bytes
    rules: str

    def apply(self) -> None:
        # Only version 2 needs it, and a host without any device rule does not.
        from mydocker.kernel import bpf

        bpf.replace_device_program(self.path, self.program)

    def describe(self) -> str:
        return f"bpf BPF_PROG_ATTACH BPF_CGROUP_DEVICE {len(self.program) // 8} instructions to {quote(self.path)}: {self.rules}"
