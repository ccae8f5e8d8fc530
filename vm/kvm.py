"""Does KVM work here? Decided by trying: /dev/kvm can be there and hang, or be slower than an emulated processor.

python vm/kvm.py     exit status 0 if it does, 1 with the reason if not
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

QEMU = "qemu-system-x86_64"
# A boot sector: mov dx, 0xf4; mov al, 16; out dx, al; jmp to itself. QEMU's isa-debug-exit makes an exit status of what is written there.
_PROGRAM = bytes.fromhex("baf400 b010 ee ebfe")
_BOOT_SECTOR = _PROGRAM.ljust(510, b"\0") + b"\x55\xaa"
_EXPECTED = 16 << 1 | 1


def why_not_kvm() -> str | None:
    """Return why KVM is no help here, None if it is: a guest must end in not much more time than with an emulated processor."""
    started = time.monotonic()
    reason = why_not("tcg", 60)
    emulated = time.monotonic() - started
    return reason or why_not("kvm", 2 + 3 * emulated)


def why_not(accelerator: str, seconds: float) -> str | None:
    """Return why QEMU does not run a guest of a few instructions with an accelerator (kvm or tcg) in that time, None if it does."""
    with tempfile.NamedTemporaryFile() as disk:
        disk.write(_BOOT_SECTOR)
        disk.flush()
        try:
            result = subprocess.run(_command(accelerator, disk.name), capture_output=True, text=True, timeout=seconds)
        except FileNotFoundError:
            return f"{QEMU} is not installed"
        except subprocess.TimeoutExpired:
            return f"{accelerator}: a guest of a few instructions did not end within {seconds:.1f} s"
    return None if result.returncode == _EXPECTED else result.stderr.strip() or f"QEMU's exit status is {result.returncode}"


def _command(accelerator: str, disk: str) -> list[str]:
    devices = ["-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", f"file={disk},format=raw,if=ide,snapshot=on"]
    return [QEMU, "-accel", accelerator, "-machine", "pc", "-m", "16", "-nodefaults", "-display", "none", "-no-reboot", *devices]


if __name__ == "__main__":
    REASON = why_not_kvm()
    print("KVM works" if REASON is None else f"KVM does not work: {REASON}")
    sys.exit(REASON is not None)
