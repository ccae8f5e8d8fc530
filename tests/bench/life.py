"""Time what people do with containers all day, side by side: exec, ps, start, stop, rm, logs, output, many starts.

    python tests/bench/life.py [--runs N] [--only NAME,…] [--svg FILE]

As run.py, whose set-up this shares. Also counted: how often a detached container's monitor wakes up while nothing happens.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from run import tools_that_work
from svg import bars, plot
from tools import Tool, quiet, rounds, seconds

_IDLE_SECONDS = 30
_LINE = "x" * 99
_TRAP = "trap 'exit 0' TERM; sleep 600 & wait"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare what people do with containers.")
    parser.add_argument("--runs", type=int, default=10, help="rounds [10]")
    parser.add_argument("--only", default="", help="comma-separated names; mydocker is always among them")
    parser.add_argument("--svg", help="also write a plot to this file")
    options = parser.parse_args()
    with tools_that_work(options.only) as (ready, _):
        engines = [tool for tool in ready if tool.is_engine and tool.name != "podman with runc"]
        times = {title: subject(engines, options.runs) for title, subject in SUBJECTS.items()}
        idle = _wake_ups(next(tool for tool in engines if tool.name == "mydocker"))
    _report(times)
    print(f"\nContext switches of a detached container's monitor in {_IDLE_SECONDS} idle seconds: {idle}")
    if options.svg:
        Path(options.svg).write_text(plot({f"{title} (ms)": bars(each) for title, each in times.items()}))


Times = dict[str, list[float]]


@contextmanager
def _containers(tool: Tool, count: int, *words: str) -> Iterator[list[str]]:
    """Run detached containers, and remove them."""
    made = [quiet(tool.verb("run", "-d", tool.image, *words)) for _ in range(count)]
    try:
        yield made
    finally:
        for identity in made:
            quiet(tool.removal(identity))


def _with_containers(count: int, verb: Callable[[Tool, str], list[str]]) -> Callable[[list[Tool], int], Times]:
    """Return a subject: a verb, while `count` containers run. One tool after the other: all at once would weigh on each."""

    def subject(tools: list[Tool], runs: int) -> Times:
        times: Times = {}
        for tool in tools:
            with _containers(tool, count, "sleep", "600") as made:
                seconds(verb(tool, made[0]))
                times |= rounds([tool], runs, lambda each, first=made[0]: seconds(verb(each, first)))  # type: ignore[misc]
        return times

    return subject


def _start(tools: list[Tool], runs: int) -> Times:
    def once(tool: Tool) -> float:
        identity = quiet(tool.verb("create", tool.image, "sleep", "600"))
        taken = seconds(tool.verb("start", identity))
        quiet(tool.removal(identity))
        return taken

    return rounds(tools, runs, once)


def _stop(tools: list[Tool], runs: int) -> Times:
    def once(tool: Tool) -> float:
        with _containers(tool, 1, "sh", "-c", _TRAP) as made:
            time.sleep(0.3)
            return seconds(tool.verb("stop", made[0]))

    return rounds(tools, runs, once)


def _remove(count: int) -> Callable[[list[Tool], int], Times]:
    """Return a subject: rm -f of so many running containers by one command."""

    def once(tool: Tool) -> float:
        made = [quiet(tool.verb("run", "-d", tool.image, "sleep", "600")) for _ in range(count)]
        return seconds(tool.removal(*made))

    return lambda tools, runs: rounds(tools, runs if count == 1 else min(runs, 2), once)


def _logs(tools: list[Tool], runs: int) -> Times:
    times: Times = {}
    for tool in tools:
        with _containers(tool, 1, "sh", "-c", f"yes {_LINE} | head -c 100000000") as made:
            quiet(tool.verb("wait", made[0]))
            times |= rounds([tool], min(runs, 5), lambda each, one=made[0]: seconds(each.verb("logs", one)))  # type: ignore[misc]
    return times


def _output(tools: list[Tool], runs: int) -> Times:
    command = ["--rm", "--log-driver", "none"]
    once = lambda tool: _to_pipe(tool.verb("run", *command, tool.image, "head", "-c", str(1 << 30), "/dev/zero"))  # noqa: E731
    return rounds(tools, min(runs, 5), once)


def _to_pipe(command: list[str]) -> float:
    """Return the seconds until all of a command's output was read from a pipe."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        assert process.stdout
        while process.stdout.read1(1 << 20):  # type: ignore[attr-defined]
            pass
    return time.perf_counter() - start


def _many(tools: list[Tool], runs: int) -> Times:
    def once(tool: Tool) -> float:
        start = time.perf_counter()
        with _containers(tool, 50, "sleep", "600"):
            return time.perf_counter() - start

    return rounds(tools, min(runs, 2), once)


SUBJECTS: dict[str, Callable[[list[Tool], int], Times]] = {
    "exec true": _with_containers(1, lambda tool, identity: tool.verb("exec", identity, "true")),
    "ps with 2 containers": _with_containers(2, lambda tool, _: tool.verb("ps")),
    "ps with 200 containers": _with_containers(200, lambda tool, _: tool.verb("ps")),
    "start": _start,
    "stop": _stop,
    "rm -f": _remove(1),
    "rm -f of 50": _remove(50),
    "logs of 100 MB": _logs,
    "run: 1 GB of output to a pipe": _output,
    "50 run -d in a row": _many,
}


def _wake_ups(tool: Tool) -> int:
    """Return the context switches of a monitor while its container sleeps."""
    before = set(_monitors())
    with _containers(tool, 1, "sleep", "600"):
        (monitor,) = set(_monitors()) - before
        time.sleep(1)
        first = _switches(monitor)
        time.sleep(_IDLE_SECONDS)
        return _switches(monitor) - first


def _monitors() -> list[Path]:
    return [path.parent for path in Path("/proc").glob("[0-9]*/comm") if path.read_text().strip() == "mydocker-monito"]


def _switches(process: Path) -> int:
    return sum(int(line.split()[1]) for line in (process / "status").read_text().splitlines() if "ctxt_switches" in line)


def _report(times: dict[str, Times]) -> None:
    """Print the medians as a Markdown table."""
    names = list(next(iter(times.values())))
    base = "docker" if "docker" in names else names[-1]
    print("| median ms | " + " | ".join(names) + f" | of {base} |\n|---|" + "---:|" * (len(names) + 1))
    for title, each in times.items():
        medians = [statistics.median(each[name]) * 1000 for name in names]
        shown = [f"{median:.1f}" if median < 1000 else f"{median:.0f}" for median in medians]
        print(f"| {title} | " + " | ".join([*shown, f"{medians[0] / medians[names.index(base)]:.2f}"]) + " |")


if __name__ == "__main__":
    main()
