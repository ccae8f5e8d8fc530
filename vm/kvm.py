"""Find out whether KVM works here, by trying it.

/dev/kvm can be there and hang, stop at an instruction, or be slower than an emulated processor.

python vm/kvm.py VMLINUZ     the exit status is 0 if it works, and 1 with the reason if it does not
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

QEMU = "qemu-system-x86_64"
DEVICE = "/dev/kvm"
# A kernel without a disk ends with this. A whole kernel is tried: guests of a few instructions have run under a KVM that boots no kernel.
END = "Kernel panic"
LONGEST = 120.0


def why_not_kvm(kernel: os.PathLike[str] | str, device: str = DEVICE) -> str | None:
    """Return why KVM does not help here, or None if it does.

    It helps if a kernel boots with it, and takes not much more time than on an emulated processor.
    """
    if not os.path.exists(device):
        return f"there is no {device}"
    started = time.monotonic()
    reason = why_not("tcg", kernel, LONGEST)
    emulated = time.monotonic() - started
    return reason or why_not("kvm", kernel, 1 + 2 * emulated)


def why_not(accelerator: str, kernel: os.PathLike[str] | str, seconds: float) -> str | None:
    """Return why QEMU does not boot a kernel within that time, or None if it does. accelerator: 'kvm' or 'tcg'."""
    try:
        result = subprocess.run(_command(accelerator, os.fspath(kernel)), capture_output=True, text=True, errors="replace", timeout=seconds)
    except FileNotFoundError:
        return f"{QEMU} is not installed"
    except subprocess.TimeoutExpired:
        return f"{accelerator}: a kernel did not boot within {seconds:.1f} s"
    if END in result.stdout:
        return None
    return result.stderr.strip() or f"{accelerator}: a kernel did not boot; QEMU's exit status is {result.returncode}"


def _command(accelerator: str, kernel: str) -> list[str]:
    line = "console=ttyS0 panic=-1 mitigations=off"
    plain = ["-machine", "pc", "-m", "512", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
    return [QEMU, "-accel", accelerator, *plain, "-kernel", kernel, "-append", line]


if __name__ == "__main__":
    REASON = why_not_kvm(sys.argv[1])
    print("KVM works" if REASON is None else f"KVM does not work: {REASON}")
    sys.exit(REASON is not None)
