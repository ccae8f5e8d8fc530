#!/usr/bin/env python3
"""A container in 120 lines.    python3 container.py LAYER COMMAND [ARGUMENT]...

LAYER is a directory with a root file system, which stays as it is: what the container writes goes into a layer of its own,
and is gone at the end. It takes root. The exit status is the command's, as a shell would have it.
"""

import ctypes
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_SLAVE, MNT_DETACH = 0x2, 0x4, 0x8, 0x4000, 0x80000, 0x2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
KEPT = {0, 1, 3, 4, 5, 6, 7, 10, 13, 18}  # chown, dac_override, fowner, fsetid, kill, setgid, setuid, bind, raw, chroot
MEMORY, PROCESSES = 64 << 20, 100

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: str | int | None) -> None:
    """Call a function of the C library. Raises OSError if it fails."""
    if getattr(libc, name)(*(each.encode() if isinstance(each, str) else each for each in arguments)) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def write(path: str, value: object) -> None:
    """Write to a file of the kernel's, which must be there."""
    with open(path, "r+") as file:
        file.write(str(value))


def cgroups() -> dict[str, str]:
    """Return this container's cgroup for each controller, in version 2 or 1."""
    top, name = "/sys/fs/cgroup", f"container-{os.getpid()}"
    is_v2 = os.path.exists(f"{top}/cgroup.controllers")
    return {controller: f"{top}/{name}" if is_v2 else f"{top}/{controller}/{name}" for controller in ("memory", "pids")}


def limit(pid: int, groups: dict[str, str]) -> None:
    """Put a process under limits, before it does anything."""
    # 1. Limits (lesson 6): make each directory, write the limit, and then move the process in.
    raise NotImplementedError("hole 1 (lesson 6)")


def isolate() -> None:
    """Leave the host's namespaces. The pid namespace is left already: the parent did that before it forked."""
    # 2. Names (lessons 1, 2): five namespaces; then no mount of ours must spread to the host.
    raise NotImplementedError("hole 2 (lessons 1, 2)")

    # 3. A network (lesson 14) that has at least a loopback which is up.
    raise NotImplementedError("hole 3 (lesson 14)")


def change_root(layer: str, scratch: str) -> None:
    """Make the layer the root, with a writable layer of our own above it."""
    # 4. Layers (lesson 5): the view is mounted at scratch/merged. A device node lets programs have their /dev/null.
    raise NotImplementedError("hole 4 (lesson 5)")

    # 5. The root (lesson 4): the old one lies on top of the new one for a moment, and is detached.
    raise NotImplementedError("hole 5 (lesson 4)")

    # 6. Processes (lesson 3): a /proc that shows this pid namespace.
    raise NotImplementedError("hole 6 (lesson 3)")


def give_up_power() -> None:
    """Keep what a program in a container needs, and nothing more."""
    # 7. Power (lesson 8): what leaves the bounding set cannot come back with execve.
    raise NotImplementedError("hole 7 (lesson 8)")


def child(pipe: int, layer: str, scratch: str) -> None:
    """Become the container. It waits until the parent has said what to run, as by then the limits count."""
    with open(pipe) as opened:
        command = json.load(opened)
    isolate()
    change_root(layer, scratch)
    give_up_power()
    os.execvp(command[0], command)


def start(layer: str, command: list[str], groups: dict[str, str], scratch: str) -> int:
    """Fork the container, and return the exit status with which it has ended."""
    # 8. Parent and child (lessons 3, 13): the child is pid 1. It gets the command as data, once its limits are set.
    raise NotImplementedError("hole 8 (lessons 3, 13)")


def parent(layer: str, command: list[str]) -> int:
    """Run the container, and leave nothing behind."""
    groups = cgroups()
    with tempfile.TemporaryDirectory() as scratch:
        status = start(layer, command, groups, scratch)
    for directory in set(groups.values()):
        os.rmdir(directory)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} LAYER COMMAND [ARGUMENT]...")
    sys.exit(parent(sys.argv[1], sys.argv[2:]))
