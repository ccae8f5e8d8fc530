"""Make the recordings of Debian's kernels in tests/data/machines: boot each in QEMU, and record it in every cgroup layout.

    python vm/recordings.py [NAME…]

A machine without systemd is booted by virtme-ng (vm/guest.py). A machine with systemd boots the box's own disk (vm/box/build). The
processor is emulated. What is recorded, and how, is in tests/data/machines/record.py and vm/recordings.sh. The exit status is 1 if a
machine left no recording.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import guest
import kernelpackages
import kernels

VM = Path(__file__).resolve().parent
MACHINES = VM.parent / "tests/data/machines"
SECONDS = 600 * kernels.FACTOR
# Where partition 1 of the box's disk begins, in bytes as mtools wants it. vm/box/build puts it there.
BOOT_PARTITION = 1 << 20


class Recorded(NamedTuple):
    """One boot, and the recordings that are made in it."""

    kernel: str  # a name of kernelpackages.NAMES, '' for the box's own kernel, with systemd
    options: str  # what is added to the kernel's command line
    layouts: dict[str, str]  # {recording: the cgroup layout}


LEGACY = "systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller="
BOOTS = [
    Recorded("5.10", "", {"5.10-v2": "v2", "5.10-hybrid": "hybrid", "5.10-v1": "v1"}),
    Recorded("6.12", "", {"6.12-v2": "v2", "6.12-hybrid": "hybrid", "6.12-v1": "v1"}),
    Recorded("", LEGACY + "1", {"systemd-v1": "here", "crun-v1": "container"}),
    Recorded("", LEGACY + "0 cgroup_disable=pids", {"systemd-hybrid": "here"}),
    Recorded("", "systemd.unified_cgroup_hierarchy=1", {"systemd-v2": "here", "crun-v2": "container"}),
]


def script(boot: Recorded) -> str:
    """Return the guest's command line. In the guest, /mnt is the directory that it shares with this machine."""
    return shlex.join(["sh", "/mnt/recordings.sh", "/mnt", *(word for pair in boot.layouts.items() for word in pair)])


def bare(boot: Recorded, disk: Path, directory: Path) -> str:
    """Boot the kernel of a package, without systemd. Return what went wrong, or ''."""
    kernel = kernelpackages.archive().fetch(boot.kernel, update=False)
    machine = guest.Machine(guest.Boot(kernel.image, disk, directory, True, script(boot), directory / "shell.sock"), SECONDS)
    try:
        machine.process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        pass  # end() says so
    finally:
        problem = machine.end()
    return problem


def with_systemd(boot: Recorded, disk: Path, directory: Path) -> str:
    """Boot the box's disk, with its own kernel and init. Return what went wrong, or ''."""
    raw = directory / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    for name in ("vmlinuz", "initrd"):
        subprocess.run(["mcopy", "-n", "-i", f"{raw}@@{BOOT_PARTITION}", f"::{name}", directory / name], check=True)
    command = qemu(boot, raw, directory)
    late = ""
    with (directory / "machine.log").open("w") as log:
        print(shlex.join(command), file=log, flush=True)
        try:
            subprocess.run(command, timeout=SECONDS, stdout=log, stderr=log)
        except subprocess.TimeoutExpired:
            late = f"no end within {SECONDS:g} s"
        finally:
            raw.unlink()
    return guest.verdict(directory, late)


def qemu(boot: Recorded, raw: Path, directory: Path) -> list[str]:
    """Return QEMU's command line. In the guest, systemd runs the script and then powers off (systemd-run-generator(8))."""
    share = "modprobe 9pnet_virtio; mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /mnt"
    run = f"systemd.run=\"/bin/sh -c '{share}; {script(boot)} >/dev/ttyS0 2>&1'\""
    words = f"root=/dev/vda2 rw console=ttyS0 net.ifnames=0 panic=-1 mitigations=off cgroup_enable=memory swapaccount=1 {boot.options}"
    return [
        *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "qemu64", "-smp", "2", "-m", "2G"),
        *("-nodefaults", "-display", "none", "-no-reboot", "-serial", f"file:{directory}/console.log"),
        *("-kernel", f"{directory}/vmlinuz", "-initrd", f"{directory}/initrd"),
        *("-append", f"{words} systemd.run_success_action=poweroff systemd.run_failure_action=poweroff {run}"),
        *("-drive", f"file={raw},format=raw,if=virtio,cache=unsafe"),
        *("-virtfs", f"local,path={directory},mount_tag=share,security_model=none"),
    ]


def record(boot: Recorded, disk: Path) -> bool:
    """Boot a machine and keep its recordings. Return whether all were made. A machine that failed leaves its directory."""
    directory = Path(tempfile.mkdtemp(prefix="mydocker-recording-"))
    for source in (VM / "recordings.sh", MACHINES / "record.py"):
        shutil.copy(source, directory)
    print(f"{', '.join(boot.layouts)}: booting, see {directory}", flush=True)
    problem = (bare if boot.kernel else with_systemd)(boot, disk, directory)
    found = [directory / f"{name}.txt" for name in boot.layouts]
    if problem or not all(guest.read(file) for file in found):
        print(f"{', '.join(boot.layouts)}: {problem or 'not everything was recorded'}, see {directory}", flush=True)
        return False
    for file in found:
        shutil.copyfile(file, MACHINES / file.name)
    shutil.rmtree(directory)
    return True


def main(names: list[str]) -> int:
    """Make the recordings with these names, or all if none is named. Return the exit status."""
    unknown = set(names) - {name for boot in BOOTS for name in boot.layouts}
    if unknown:
        print(f"recordings.py: unknown recording {' '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    if kernels.missing():
        print(f"recordings.py: to boot kernels: {kernels.missing()}", file=sys.stderr)
        return 2
    disk = kernels.disk()
    # SIGTERM becomes an exception, so that subprocess and guest.Machine end what they have started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    return int(not all([record(boot, disk) for boot in BOOTS if not names or set(names) & set(boot.layouts)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
