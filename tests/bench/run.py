"""Time the start of a container, side by side with the tools that are installed, and weigh what keeps a detached one.

    python tests/bench/run.py [--runs N] [--only NAME,…] [--svg FILE]

As root. Every round runs each tool once, so that whatever else the machine does meets all of them. Everything happens in a
scratch directory and a mount namespace of this process's own; the version 2 hierarchy of a hybrid host is not mounted there,
because crun refuses such hosts. The daemon that docker needs is started in a network namespace of its own and ended.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(Path(__file__).parent)]

from svg import Bar, bars, plot  # noqa: E402
from tools import TOOLS, Scratch, Tool, quiet, remove_cgroups, rounds, seconds  # noqa: E402

from mydocker.kernel.mounts import MNT_DETACH, MS_PRIVATE, MS_REC, mount, mountinfo, umount  # noqa: E402
from mydocker.kernel.namespaces import CLONE_NEWNS, unshare  # noqa: E402

WARM_UP = 2
_BYTES = 40 << 30  # of a file system with a journal; only what is written takes place


def main() -> None:
    options = _options()
    with tools_that_work(options.only) as (ready, absent):
        times = rounds(ready, options.runs, lambda tool: seconds(tool.command()), WARM_UP)
        weights = {tool.name: tool.weigh() for tool in ready if tool.is_engine}
    _report(times, weights, absent, options.runs)
    if options.svg:
        memory: list[Bar] = [(name, own / 1e6, None) for name, (own, _) in weights.items()]
        charts = {
            "run --rm --network none busybox true (ms, median and quartiles)": bars(times),
            "a detached container's helpers (MB, PSS)": memory,
        }
        Path(options.svg).write_text(plot(charts))


@contextmanager
def tools_that_work(only: str, makes: list[type[Tool]] = TOOLS, journal: bool = False) -> Iterator[tuple[list[Tool], dict[str, str]]]:
    """Give the tools of `makes` that work here, and why the others do not; afterwards nothing is left of them.

    journal: whether they work on an ext4 of their own, which has a journal
    """
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_PRIVATE | MS_REC)
    if "/sys/fs/cgroup/unified" in [entry.target for entry in mountinfo()]:
        umount("/sys/fs/cgroup/unified", MNT_DETACH)
    directory = tempfile.mkdtemp(prefix="mydocker-bench-")
    ready: list[Tool] = []
    try:
        if journal:
            _mount_ext4(directory)
        ready, absent = _prepare(Scratch(directory), makes, only)
        yield ready, absent
    finally:
        for tool in ready:
            tool.stop()
        if journal:
            umount(directory, MNT_DETACH)
        shutil.rmtree(directory, ignore_errors=True)
        remove_cgroups()


def _mount_ext4(directory: str) -> None:
    """Mount a new file system over a directory. Its file has no name any more then."""
    file = f"{directory}/ext4"
    with open(file, "wb") as new:
        new.truncate(_BYTES)
    quiet(["mkfs.ext4", "-q", file])
    quiet(["mount", "-o", "loop", file, directory])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare container starts.")
    parser.add_argument("--runs", type=int, default=20, help="rounds [20]")
    parser.add_argument("--only", default="", help="comma-separated names; mydocker is always among them")
    parser.add_argument("--svg", help="also write a plot to this file")
    return parser.parse_args()


def _prepare(scratch: Scratch, makes: list[type[Tool]], only: str) -> tuple[list[Tool], dict[str, str]]:
    """Return the tools that work here, and why the others do not."""
    ready, absent = [], {}
    wanted = {"mydocker", *only.split(",")} if only else {make.name for make in makes}
    for make in makes:
        if make.name not in wanted:
            continue
        tool = make(scratch)
        reason = tool.unusable()
        if reason:
            tool.stop()
            absent[tool.name] = reason
        else:
            ready.append(tool)
    return ready, absent


def _report(times: dict[str, list[float]], weights: dict[str, tuple[int, int]], absent: dict[str, str], runs: int) -> None:
    """Print the tables, in Markdown."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"`run --rm --network none busybox true`, {runs} rounds, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} CPUs\n")
    print("| | median ms | quartiles | of docker | of mydocker |\n|---|---:|---:|---:|---:|")
    for name, median in sorted(medians.items(), key=lambda pair: pair[1]):
        low, _, high = statistics.quantiles(times[name], n=4)
        of_docker = f"{median / medians['docker']:.2f}" if "docker" in medians else ""
        print(f"| {name} | {median * 1000:.1f} | {low * 1000:.1f}–{high * 1000:.1f} | {of_docker} | {median / medians['mydocker']:.2f} |")
    print("\n| a detached container | MB PSS of its helpers | and once per host |\n|---|---:|---:|")
    for name, (own, shared) in weights.items():
        print(f"| {name} | {own / 1e6:.1f} | {shared / 1e6:.1f} |")
    for name, reason in absent.items():
        print(f"\n{name}: not measured: {reason}")


if __name__ == "__main__":
    main()
