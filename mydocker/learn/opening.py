"""Opening the lab: its cgroups are made, and its keeper is forked and moves into namespaces of its own."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.cgroups.group import Group
from mydocker.cgroups.subsystem import Subsystem
from mydocker.errors import Conflict, Unsupported
from mydocker.kernel.chroot import receive_mounts
from mydocker.kernel.mounts import MNT_DETACH, MS_REC, MS_SHARED, mount, move_mount, open_tree, umount
from mydocker.kernel.namespaces import CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS, setns, unshare
from mydocker.learn.process import Process
from mydocker.learn.texts import spoken
from mydocker.steps.namespaces import BringUpLoopback, SetHostname

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout
    from mydocker.cgroups.resources import Resources
    from mydocker.learn.lab import Lab

_OWN = {"mnt": CLONE_NEWNS, "net": CLONE_NEWNET, "uts": CLONE_NEWUTS, "ipc": CLONE_NEWIPC, "cgroup": CLONE_NEWCGROUP}
_MEMORY = 1 << 30
_PROCESSES = 512
HOSTNAME = "lab"


def open_lab(lab: Lab) -> Process:
    """Open the lab if it is closed, and return its keeper. Of several who do this at once one opens it."""
    if os.geteuid() != 0:
        why = spoken("the lab needs root: it has namespaces and a cgroup of its own", "实验室需要 root 权限：它有自己的命名空间和 cgroup")
        raise Unsupported(why, "sudo mydocker learn ...")
    with lab.lock():
        keeper = lab.keeper()
        if keeper:
            return keeper
        for problem in lab.remove()[:1]:
            raise problem  # what is left of a lab whose keeper was killed
        store.make_private(lab.work)
        for step in lab.cgroups().create_steps(limits(lab.layout, lab.cgroups().has_swap_limit())):
            step.apply()
        keeper = Process(_fork_keeper(lab))
        lab.record(keeper.pid)
    return keeper


def limits(layout: Layout, has_swap_limit: bool) -> Resources:
    """Return the lab's limits, as far as this machine can set any. What does not fit into memory must not fill the host's swap."""
    resources: Resources = {}
    if layout.find("memory"):
        resources["memory"] = {"limit": _MEMORY, "swap": _MEMORY} if has_swap_limit else {"limit": _MEMORY}
    if layout.find("pids"):
        resources["pids"] = {"limit": _PROCESSES}
    return resources


def _fork_keeper(lab: Lab) -> int:
    """Return the pid of a new keeper that is where it should be. Raises Conflict with the reason if it does not get there."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            _become_keeper(lab)
        except Exception as error:
            os.write(writing, f"{error}".encode())
        finally:
            os._exit(1)
    os.close(writing)
    with open(reading) as pipe:
        reason = pipe.read()  # ends when the keeper has executed its program, as the pipe is closed on exec
    if reason:
        os.waitpid(pid, 0)
        lab.remove()
        raise Conflict(spoken(f"the lab cannot be opened: {reason}", f"实验室打不开：{reason}"))
    return pid


def _become_keeper(lab: Lab) -> None:
    os.setsid()
    for subsystem in lab.cgroups().subsystems:
        subsystem.apply(0).apply()
    unshare(sum(_OWN.values()))
    _own_mounts()
    _own_cgroups(lab)
    BringUpLoopback().apply()
    SetHostname(HOSTNAME).apply()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.chdir("/")
    os.execve("/bin/sleep", ["mydocker-lab", "infinity"], {})


def _own_mounts() -> None:
    """Let the host's mounts come in and none go out, and let the lab's own spread as on a host with systemd."""
    receive_mounts()
    mount(None, "/", flags=MS_SHARED | MS_REC)
    for directory, mode in (("/run", "755"), ("/dev/shm", "1777")):
        mount("lab", directory, "tmpfs", data=f"mode={mode}")


def _own_cgroups(lab: Lab) -> None:
    """Show the lab's cgroup as the root of each hierarchy, and move this process into its child `shell`."""
    for subsystem in lab.cgroups().subsystems:
        mount_point = subsystem.group.hierarchy.mount
        tree = open_tree(subsystem.group.directory)
        umount(mount_point, MNT_DETACH)  # with it goes whatever is mounted below it
        move_mount(tree, mount_point)
        os.close(tree)
    for subsystem in lab.cgroups().subsystems:
        shell = Subsystem(Group(subsystem.group.hierarchy, "/shell"), lab.layout)
        if shell.group.hierarchy.version == 1:
            for step in shell.create({}):
                step.apply()
        else:
            os.mkdir(shell.group.directory)
        shell.apply(0).apply()
        if shell.group.hierarchy.version == 2:
            for step in shell.create({}):  # its controllers can be switched on once no process is above
                step.apply()


def enter(lab: Lab, keeper: Process) -> None:
    """Move this process into the lab."""
    for subsystem in lab.cgroups().subsystems:
        Group(subsystem.group.hierarchy, f"{lab.cgroup}/shell").write("cgroup.procs", 0).apply()
    for name, flag in _OWN.items():
        setns(f"{keeper.directory}/ns/{name}", flag) if name != "mnt" else None
    setns(f"{keeper.directory}/ns/mnt", CLONE_NEWNS)  # last, as the others are found in this one's /proc
