"""Record what mydocker reads of a machine's kernel, for the fake trees of the unit tests.

python3 tests/data/machines/record.py > tests/data/machines/NAME.txt, as root; any Python from 3.8 on. Each line is a path and a file's
content as a Python literal; a path that ends in / is a directory. Of every cgroup hierarchy the mount point itself is recorded and a
child named mydocker, which is made for that where it is not there, with the controllers that mydocker switches on. Nothing
that tells one machine from its twin is kept: no names, addresses, ids of boots or containers.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LONGEST = 400
# What nothing here will ever read: it would only make the tests slower.
# fmt: off
NOISE = (
    "clone_children", "sane_behavior", "pressure", ".local", "failcnt", "max_usage", "numa", "slabinfo", "force_empty",
    "event_control", "percpu", "usage_all", "sched_", "exclusive", "hardwall", "migrate", "spread", "serviced", "reset_stats",
    "move_charge", ".depth", "descendants", "perf", "kmem.usage", "kmem.max", "tcp.usage", "partition", "weight.nice", "min",
    "peak", "zswap", "oom.group", "reclaim", "irq", "threads", "tasks",
)
# fmt: on
KEPT = ("inactive_file", "oom_kill")
# Lines of files that say more than that.
LINES = {
    "/proc/self/status": ("Uid", "Gid", "Cap", "NoNewPrivs", "Seccomp:", "Cpus_allowed_list", "Mems_allowed_list"),
    "/proc/meminfo": ("MemTotal", "SwapTotal"),
}
WHOLE = ("/proc/filesystems", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups")
PATTERNS = (
    "proc/sys/kernel/cap_last_cap",
    "proc/sys/kernel/seccomp/actions_avail",
    "proc/sys/kernel/unprivileged_userns_clone",
    "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "proc/sys/kernel/pid_max",
    "proc/sys/user/max_*_namespaces",
    "proc/sys/net/ipv4/ip_forward",
    "proc/sys/net/ipv4/ip_unprivileged_port_start",
    "proc/sys/net/ipv4/conf/[ad][le][lf]*/route_localnet",
    "proc/sys/net/ipv6/conf/[ad][le][lf]*/forwarding",
    "proc/sys/net/ipv6/conf/[ad][le][lf]*/disable_ipv6",
    "proc/sys/net/bridge/bridge-nf-call-ip*tables",
    "sys/module/apparmor/parameters/enabled",
    "sys/module/overlay/parameters/*",
    "sys/module/aufs/parameters/*",
    "sys/fs/selinux/enforce",
    "sys/devices/system/cpu/online",
    "sys/devices/system/node/online",
)
# What counts by being there: namespaces, security modules, an init, a container's marks.
PRESENT = ("proc/self/ns/*", "proc/self/timens_offsets", "proc/self/attr/apparmor/exec", ".dockerenv", "run/.containerenv")
DIRECTORIES = ("run/systemd/system", "sys/kernel/security/apparmor", "sys/fs/aufs", "sys/fs/bpf", "sys/kernel/mm/hugepages/*")
# mydocker switches these on for its containers.
CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb", "rdma")


def line(path: str, content: str) -> str:
    """Return one line of a recording."""
    return f"{path} {anonymous(content)!r}"


def anonymous(content: str) -> str:
    """Return a content with the same word in the place of every container's id and every universally unique one."""
    content = re.sub("[0-9a-f]{64}|[0-9a-f]{32}", "c" * 32, content)
    return re.sub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "00000000-0000-0000-0000-000000000000", content)


def record(path: Path) -> str:
    """Return the line of one file; of long ones the lines that anything reads, of many processes one."""
    try:
        content = path.read_text(errors="replace")
    except OSError:
        content = ""
    if path.name == "cgroup.procs":
        content = "1\n" if content else ""
    if len(content) > LONGEST:
        content = chosen(content, KEPT)
    return line(str(path), content)


def chosen(content: str, words: tuple[str, ...]) -> str:
    """Return the lines whose first word has one of some words in it."""
    return "".join(each for each in content.splitlines(True) if any(word in each.split()[0] for word in words))


def kernel_mounts(mountinfo: str) -> str:
    """Return mountinfo's lines on what shows the kernel: proc, sysfs, cgroups and what lies over or between those."""
    found = []
    for each in mountinfo.splitlines(True):
        target = each.split()[4]
        if " - cgroup" in each or target in ("/proc", "/sys") or (target + "/").startswith("/sys/fs/cgroup/"):
            found.append(each)
    return "".join(found)


def cgroup_mounts(mountinfo: str) -> list[tuple[Path, bool]]:
    """Return where cgroup hierarchies are mounted, and whether each is version 2."""
    lines = (each.partition(" - ") for each in mountinfo.splitlines())
    return [(Path(before.split()[4]), after.startswith("cgroup2 ")) for before, _, after in lines if after.startswith("cgroup")]


def hierarchy(mount: Path, unified: bool) -> Iterator[str]:
    """Give the lines of a hierarchy as it is when mydocker has run; leave it as it was."""
    child = mount / "mydocker"
    made, switched = make(child), switch_on(mount) if unified else []
    try:
        for directory in (mount, child):
            for path in sorted(directory.glob("*.*")):
                if path.is_file() and not any(word in path.name for word in NOISE):
                    yield record(path)
    finally:
        if made:
            child.rmdir()
        for name in switched:
            write(mount / "cgroup.subtree_control", f"-{name}")


def make(child: Path) -> bool:
    """Make a cgroup; say whether it was not there and now is."""
    with suppress(OSError):
        child.mkdir()
        return True
    return False


def switch_on(mount: Path) -> list[str]:
    """Switch a hierarchy's controllers on for its children, as far as it lets us; return those that were not."""
    file = mount / "cgroup.subtree_control"
    already = file.read_text().split()
    wanted = [name for name in CONTROLLERS if name in (mount / "cgroup.controllers").read_text().split() and name not in already]
    return [name for name in wanted if write(file, f"+{name}")]


def write(path: Path, text: str) -> bool:
    """Write to a kernel file; say whether it took it."""
    with suppress(OSError):
        path.write_text(text)
        return True
    return False


def recording(root: Path) -> Iterator[str]:
    """Give all lines."""
    mountinfo = Path("/proc/self/mountinfo").read_text()
    yield line("/proc/self/mountinfo", kernel_mounts(mountinfo))
    for name, words in LINES.items():
        yield line(name, chosen(Path(name).read_text(), words))
    # The version without what a builder calls it.
    yield line("/proc/sys/kernel/osrelease", os.uname().release.partition("-")[0] + "\n")
    for name in ("/proc/self/cgroup", "/proc/cgroups", *WHOLE):
        if os.path.exists(name):
            yield line(name, Path(name).read_text())
    for pattern in PATTERNS:
        yield from (record(path) for path in sorted(root.glob(pattern)))
    for pattern in PRESENT:
        yield from (line(str(path), "") for path in sorted(root.glob(pattern)))
    for pattern in DIRECTORIES:
        yield from (line(f"{path}/", "") for path in sorted(root.glob(pattern)) if path.is_dir())
    for mount, unified in cgroup_mounts(mountinfo):
        yield from hierarchy(mount, unified)


def main() -> None:
    if os.geteuid() != 0:
        sys.exit("record.py: expected to run as root, which can read and make all that is to be recorded")
    for each in list(recording(Path("/"))):
        print(each)


if __name__ == "__main__":
    main()
