"""Time mydocker-oci beside runc and crun, alone and below podman, and weigh what each charges to a container.

    python tests/bench/oci.py [--runs N] [--svg FILE]

As run.py, whose set-up this shares. Alone each gets the same bundle, made by its own `spec`: no network but lo, no seccomp filter.
What podman hands over has its seccomp filter.
"""

from __future__ import annotations

import argparse
import os
import resource
import select
import statistics
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from run import WARM_UP, tools_that_work
from svg import Bar, bars, plot
from tools import PODMANS, RUNTIMES, Runtime, rounds, seconds

Figures = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare OCI runtimes.")
    parser.add_argument("--runs", type=int, default=30, help="rounds [30]")
    parser.add_argument("--svg", help="also write a plot to this file")
    options = parser.parse_args()
    with tools_that_work("", RUNTIMES + PODMANS) as (ready, absent):
        runtimes = [tool for tool in ready if isinstance(tool, Runtime)]
        podmans = [tool for tool in ready if not isinstance(tool, Runtime)]
        times, cpu = _measure(runtimes, options.runs)
        below = rounds(podmans, options.runs, lambda tool: seconds(tool.command()), WARM_UP)
        charges = rounds(runtimes, options.runs, _charge)
    for title, each in times.items():
        _report(title, each, "runc run", cpu[title])
    _report("podman run --rm", below, "podman with runc")
    _report_charges(charges)
    for name, reason in absent.items():
        print(f"\n{name}: not measured: {reason}")
    if options.svg:
        charts = {f"{title} (ms, median and quartiles)": bars(each) for title, each in [*times.items(), ("podman run --rm", below)]}
        weights: list[Bar] = [(name, statistics.median(values) / 1024, None) for name, values in charges.items()]
        Path(options.svg).write_text(plot({**charts, "charged to the container's memory cgroup after start (KB)": weights}))


def _measure(runtimes: list[Runtime], runs: int) -> tuple[dict[str, Figures], dict[str, Figures]]:
    """Return, for each subject, the seconds of its runs and those of the processors: a busy machine changes these less."""
    times: dict[str, Figures] = {}
    cpu: dict[str, Figures] = {title: {tool.name: [] for tool in runtimes} for title in SUBJECTS}
    for title, once in SUBJECTS.items():

        def counted(tool: Runtime, title: str = title, once: Callable[[Runtime], float] = once) -> float:
            before = _processor_seconds()
            taken = once(tool)
            cpu[title][tool.name].append(_processor_seconds() - before)
            return taken

        times[title] = rounds(runtimes, runs, counted, WARM_UP)
    return times, cpu


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(tool: Runtime) -> float:
    return seconds(tool.command())


def _life(tool: Runtime) -> float:
    """Time create, start and delete of a container whose program ends at once; the wait for its end is not counted."""
    name = uuid.uuid4().hex
    pid_file = f"{tool.place}.pid"
    made = seconds(tool.verb("create", "--bundle", tool.bundle, "--pid-file", pid_file, name))
    pidfd = os.pidfd_open(int(Path(pid_file).read_text()))
    made += seconds(tool.verb("start", name))
    select.select([pidfd], [], [])
    os.close(pidfd)
    return made + seconds(tool.verb("delete", name))


SUBJECTS: dict[str, Callable[[Runtime], float]] = {"run of true": _run, "create, start, delete of true": _life}


@contextmanager
def _sleeper(tool: Runtime) -> Iterator[None]:
    """Have a started container that sleeps."""
    name = uuid.uuid4().hex
    seconds(tool.verb("create", "--bundle", tool.sleeping, name), tool.verb("start", name))
    try:
        yield
    finally:
        seconds(tool.verb("delete", "--force", name))


def _charge(tool: Runtime) -> float:
    """Return the most bytes that the container's memory cgroup was charged with until its program slept."""
    with _sleeper(tool):
        return max(
            _number(f"/sys/fs/cgroup/{path}") for path in (f"memory{tool.cgroup}/memory.max_usage_in_bytes", f"{tool.cgroup}/memory.peak")
        )


def _number(path: str) -> float:
    return float(Path(path).read_text()) if Path(path).exists() else 0.0


def _report(title: str, times: Figures, reference: str, cpu: Figures | None = None) -> None:
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"\n| {title} | median ms | quartiles | of {reference} | CPU ms | of {reference} |\n|---|---:|---:|---:|---:|---:|")
    spent = {name: statistics.median(values) for name, values in (cpu or {}).items()}
    for name, median in sorted(medians.items(), key=lambda pair: pair[1]):
        low, _, high = statistics.quantiles(times[name], n=4)
        line = f"| {name} | {median * 1000:.1f} | {low * 1000:.1f}–{high * 1000:.1f} | {_ratio(medians, name, reference)} |"
        print(line + (f" {spent[name] * 1000:.1f} | {_ratio(spent, name, reference)} |" if spent else " | |"))


def _ratio(figures: dict[str, float], name: str, reference: str) -> str:
    return f"{figures[name] / figures[reference]:.2f}" if reference in figures else ""


def _report_charges(charges: Figures) -> None:
    print("\n| charged to the memory cgroup when a program sleeps, KB | median | least | most |\n|---|---:|---:|---:|")
    for name, values in charges.items():
        print(f"| {name} | {statistics.median(values) / 1024:.0f} | {min(values) / 1024:.0f} | {max(values) / 1024:.0f} |")


if __name__ == "__main__":
    main()
