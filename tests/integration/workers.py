"""Several tests at once (pytest-xdist), each on a machine that looks its own: none may see what another one leaves for a moment.

A worker has a network, a mount and a cgroup namespace, a /dev/shm, and below every hierarchy a cgroup that it sees as the root.
Version 2 alone rules that out: there a cgroup that has controllers for its children, as a root has, may not hold processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from keeper import Keeper

from mydocker.cgroups.group import Group, read, remove_directory, walk_up
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.life import send_sigkill
from mydocker.cgroups.subsystem import Subsystem
from mydocker.kernel.mounts import MNT_DETACH, MS_REC, MS_SLAVE, mount, mountinfo, move_mount, open_tree, umount
from mydocker.kernel.namespaces import CLONE_NEWCGROUP, CLONE_NEWNS, unshare
from mydocker.paths import Paths

REMOVE_SECONDS = 10


def can_have_machines(layout: Layout) -> bool:
    """Say whether workers can have machines of their own here."""
    return layout.mode != "v2"


@contextmanager
def own_mounts() -> Iterator[None]:
    """Move this process to a mount namespace and a /dev/shm of its own. In a chroot that is no mount point it stays where it is."""
    if "/" in [entry.target for entry in mountinfo()]:
        unshare(CLONE_NEWNS)
        mount("", "/", flags=MS_SLAVE | MS_REC)
        mount("shm", "/dev/shm", "tmpfs")
    yield


@contextmanager
def own_machine(name: str, keeper: Keeper) -> Iterator[None]:
    """Move this process to where it sees no other worker; take it back and remove its cgroups at the end.

    keeper: removes the cgroups if this process is killed
    """
    layout = Layout.detect(Paths())
    if not can_have_machines(layout):
        pytest.exit("with cgroup version 2 alone, tests run one after the other: leave out -n", 2)
    own = f"mydocker-tests-{name}-{os.getpid()}"  # the pid, as there may be other runs on this machine
    # Held open, as they are unmounted below.
    outside = [os.open(each.mount + each.own, os.O_PATH | os.O_DIRECTORY) for each in layout.hierarchies]
    unshare(CLONE_NEWNS)
    mount("", "/", flags=MS_SLAVE | MS_REC)
    mount("shm", "/dev/shm", "tmpfs")
    groups = [Group(each, f"{each.own.rstrip('/')}/{own}") for each in layout.hierarchies]
    for group in groups:
        keeper.watch(group.directory)
        for step in [*Subsystem(group, layout).create({}), group.write("cgroup.procs", 0)]:
            step.apply()
    unshare(CLONE_NEWCGROUP)
    for group in groups:
        tree = open_tree(group.directory)
        umount(group.hierarchy.mount, MNT_DETACH)  # crun's tests take a hierarchy away, and must not find another one below
        move_mount(tree, group.hierarchy.mount)
        os.close(tree)
    yield
    left = []
    for descriptor in outside:
        parent = f"/proc/self/fd/{descriptor}"
        Path(parent, "cgroup.procs").write_text("0")
        left += remove(f"{parent}/{own}")
        os.close(descriptor)
    if left:
        pytest.fail("processes that tests left, in cgroups: " + ", ".join(left))


def remove(directory: str) -> list[str]:
    """Remove a cgroup and all below it; kill what does not end by itself, and return its pids, cgroups and names."""
    deadline = monotonic() + REMOVE_SECONDS
    left = []
    for path in walk_up(directory):
        try:
            remove_directory(path, deadline)
        except OSError:
            for pid in read(f"{path}/cgroup.procs").split():
                left.append(f"{pid} in {path.removeprefix(directory) or '/'} ({read(f'/proc/{pid}/comm')})")
                send_sigkill(int(pid))
            remove_directory(path, monotonic() + REMOVE_SECONDS)
    return left
