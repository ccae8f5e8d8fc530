"""Record what a machine's cgroup hierarchies look like, for the fake trees of the unit tests.

python3 tests/data/cgroups/record.py > NAME.txt, as root. Each line is a path and a file's content as a Python literal. Of every
hierarchy the mount point itself is recorded and, from before, a child named mydocker.
"""

from __future__ import annotations

import sys
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


def record(path: Path) -> None:
    """Print one file; of long ones the lines that anything reads, of many processes one."""
    try:
        content = path.read_text(errors="replace")
    except OSError:
        content = ""
    if path.name == "cgroup.procs":
        content = "1\n" if content else ""
    if len(content) > LONGEST:
        content = "".join(line for line in content.splitlines(True) if any(word in line.split()[0] for word in KEPT))
    print(path, repr(content))


def cgroup_mounts() -> list[str]:
    """Return mountinfo's lines on cgroups."""
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines(True) if " - cgroup" in line]


def main() -> None:
    print("/proc/self/mountinfo", repr("".join(cgroup_mounts())))
    for name in ("/proc/self/cgroup", "/proc/cgroups"):
        record(Path(name))
    for line in cgroup_mounts():
        for directory in (Path(line.split()[4]), Path(line.split()[4], "mydocker")):
            for path in sorted(directory.glob("*.*")):
                if not any(word in path.name for word in NOISE):
                    record(path)


if __name__ == "__main__":
    sys.exit(main())
