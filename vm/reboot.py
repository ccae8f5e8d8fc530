"""Boot a machine three times on one disk, and see which containers `mydocker system boot` brings back.

    python vm/reboot.py [KERNEL]

The machine is one of vm/kernels.py, in QEMU, with cgroup version 2; KERNEL is 5.10, 6.1, 6.12 or newest. vm/reboot.sh runs in it: the
first boot makes a container of each restart policy and ends as by a power cut, the second one brings back what is to run and ends in
order, the third one does it once more. The exit status is 1 if after one of them others run than EXPECTED says. An emulated machine needs
some minutes for it. Logs are in vm/collected/reboot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import guest
import kernels
import kvm

RESULTS = kernels.VM / "collected/reboot"
SECONDS = 600
# What runs in the first boot. Of these, on-failure means no failure before the boot, as docker's documentation has it.
FIRST = ["always", "no", "on-failure", "unless-stopped"]
EXPECTED = {1: FIRST, 2: ["always", "unless-stopped"], 3: ["always", "unless-stopped"]}
PAGE = "page: here"


def prepare(kernel: str) -> guest.Boot:
    """Make the directory that is shared with the machine. Return what to boot."""
    image = kernels.fetch({kernel}, update=False)[kernel].image
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    tree = ["tar", "-C", str(kernels.VM.parent), "--exclude-vcs", "--exclude=./vm/collected", "--exclude=./.*_cache"]
    subprocess.run([*tree, "-cf", RESULTS / "tree.tar", "."], check=True)
    shutil.copy(kernels.VM / "reboot.sh", RESULTS)
    shell = Path(f"/tmp/mydocker-{os.getpid()}-reboot.sock")
    script = f"sh {guest.SHARED}/reboot.sh {guest.SHARED}"
    return guest.Boot(image, kernels.disk(), RESULTS, bool(kvm.why_not_kvm(image)), script, shell, keeps_disk=True)


def boot(boot: guest.Boot) -> float:
    """Boot the machine once, and wait for its end. Return how many seconds it took."""
    machine = guest.Machine(boot, SECONDS)
    try:
        while not machine.is_over():
            time.sleep(0.2)
        return machine.age
    finally:
        machine.end()


def wrong(number: int) -> str:
    """Return what is not as expected after a boot, or ''."""
    found = guest.read(RESULTS / f"boot-{number}").splitlines()
    expected = [*EXPECTED[number], PAGE]
    return "" if found == expected else f"boot {number}: expected {expected}, found {found}"


def main() -> int:
    """Return the exit status."""
    wanted = prepare(sys.argv[1] if len(sys.argv) > 1 else "6.12")
    try:
        for number in EXPECTED:
            took = boot(wanted)
            print(f"boot {number}: {took:.0f} s\n{guest.read(RESULTS / f'boot-{number}')}", flush=True)
    finally:
        (RESULTS / "disk.qcow2").unlink(missing_ok=True)
    problems = [text for text in map(wrong, EXPECTED) if text]
    print("\n".join(problems) or "all as expected")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
