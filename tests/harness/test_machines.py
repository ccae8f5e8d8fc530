"""The matrix's machines, tested with real ones: a kernel that panics and a QEMU that is killed are told, with what they said kept.

Each boots a kernel, which takes most of a minute without KVM; so `.ci/run kernels` runs these and not the unit tests.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import guest
import kernels
import kvm
import pytest
from kernelpackages import NoKernel, archive

DEADLINE = 600

Start = Callable[[str], guest.Machine]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that boots the oldest kernel with a command to run in it."""
    if kernels.missing():
        pytest.skip(f"not installed: {kernels.missing()}")
    try:
        kernel = archive().fetch("5.10", update=False)
    except NoKernel as error:
        pytest.skip(str(error))
    machines: list[guest.Machine] = []

    def boot(script: str) -> guest.Machine:
        emulated = kvm.why_not_kvm(kernel.image) is not None
        machines.append(guest.Machine(guest.Boot(kernel.image, kernels.disk(), tmp_path, emulated, script, tmp_path / "shell"), DEADLINE))
        return machines[-1]

    yield boot
    for machine in machines:
        machine.end()


def wait(condition: Callable[[], object], machine: guest.Machine) -> None:
    """Wait for a condition as long as the machine has time."""
    while not condition():
        assert machine.age < DEADLINE, (machine.boot.directory / "machine.log").read_text()
        time.sleep(0.1)


def test_a_kernel_that_panics(start: Start) -> None:
    machine = start("echo c > /proc/sysrq-trigger; sleep 1000")
    wait(machine.is_over, machine)
    assert machine.end() == "kernel panic: sysrq triggered crash"
    assert "Call Trace" in (machine.boot.directory / "machine.log").read_text()


def test_a_machine_that_is_killed(start: Start) -> None:
    machine = start(f"touch {guest.SHARED}/up; sleep 1000")
    wait((machine.boot.directory / "up").exists, machine)
    session = [pid for pid in os.listdir("/proc") if pid.isdigit() and is_qemu(int(pid), machine.process.pid)]
    assert session
    for pid in session:
        os.kill(int(pid), signal.SIGKILL)
    wait(machine.is_over, machine)
    assert machine.end().startswith("the machine ended before its tests did: ")


def is_qemu(pid: int, session: int) -> bool:
    """Say whether a process is QEMU, in a session of ours."""
    try:
        return os.getsid(pid) == session and Path(f"/proc/{pid}/comm").read_text().startswith("qemu-system")
    except (ProcessLookupError, FileNotFoundError):
        return False
