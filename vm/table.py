"""Make tables of the results on several kernels, which are read from pytest's JUnit XML: one for a terminal, and one in Markdown."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

from guest import read

HEAD = ("kernel", "cgroup", "storage", "result", "passed", "skipped", "seconds")


class Row(NamedTuple):
    """The result of one kernel, cgroup layout and storage driver."""

    kernel: str  # its name, and its release in brackets if that is known
    cgroup: str  # the layout
    driver: str  # the storage driver
    result: str  # 'passed', 'failed', or why there are no results
    passed: int = 0  # how many tests
    skipped: int = 0  # how many tests
    seconds: float = 0
    failures: tuple[str, ...] = ()  # the tests that failed, 'CLASS::TEST'
    skips: tuple[str, ...] = ()  # the reasons of skipped tests, each once
    is_absent: bool = False  # whether this kernel cannot do this at all

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong. Either all tests passed, or the kernel cannot do this at all."""
        return self.result == "passed" or self.is_absent

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of the row's cells, in the order of HEAD."""
        numbers = (str(self.passed), str(self.skipped), f"{self.seconds:.0f}") if self.passed or self.failures else ("", "", "")
        return (self.kernel, self.cgroup, self.driver, self.result, *numbers)


def read_row(directory: Path, name: str, cgroup: str, driver: str, died: str) -> Row:
    """Return a row, read from the directory of a boot (vm/inside.sh). died: what ended the machine too early, or ''."""
    kernel = f"{name} ({read(directory / 'release').strip()})" if (directory / "release").exists() else name
    absent = read(directory / f"{driver}.reason").strip()
    if absent:
        return Row(kernel, cgroup, driver, absent, is_absent=True)
    status = read(directory / f"{driver}.status").strip()
    if not status or not (directory / f"{driver}.xml").exists():
        last = next((line for line in reversed(read(directory / f"{driver}.log").splitlines()) if line.strip()), "")
        return Row(kernel, cgroup, driver, died or f"pytest ended with status {status}: {last}")
    return _counted(Row(kernel, cgroup, driver, "passed" if status == "0" else "failed"), directory / f"{driver}.xml")


def _counted(row: Row, path: Path) -> Row:
    suite = ET.parse(path).getroot().find("testsuite")
    assert suite is not None, path
    # pytest writes a second element for a test whose teardown fails too, and each test counts once.
    outcomes: dict[str, set[str]] = {}
    skips = set()
    for case in suite.iter("testcase"):
        name = f"{(case.get('classname') or '').rpartition('.')[2]}::{case.get('name')}"
        outcomes.setdefault(name, set()).update(each.tag for each in case)
        skips |= {skip.get("message") or "" for skip in case.iter("skipped")}
    failures = tuple(name for name, tags in outcomes.items() if tags & {"failure", "error"})
    skipped = sum(1 for name, tags in outcomes.items() if "skipped" in tags and name not in failures)
    passed = len(outcomes) - len(failures) - skipped
    seconds = float(suite.get("time", "0"))
    return row._replace(passed=passed, skipped=skipped, seconds=seconds, failures=failures, skips=tuple(sorted(skips)))


def show(rows: list[Row]) -> str:
    """Return the table for a terminal. Below it are the tests that failed."""
    table = [HEAD, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    lines += [f"failed: {row.kernel}, {row.cgroup}, {row.driver}: {name}" for row in rows for name in row.failures]
    return "\n".join(lines) + "\n"


def markdown(rows: list[Row], how: str) -> str:
    """Return the table in Markdown. Below it are the reasons of skipped tests, and the tests that failed. how: what the tests ran on."""
    lines = [f"{time.strftime('%-d %B %Y')}, {how}.", "", f"| {' | '.join(HEAD)} |", "|---|---|---|---|---:|---:|---:|"]
    lines += [f"| {' | '.join(row.cells)} |" for row in rows]
    reasons: dict[str, list[str]] = {}
    for row in rows:
        for skip in row.skips:
            reasons.setdefault(skip, []).append(f"{row.kernel.split()[0]} {row.cgroup} {row.driver}")
    if reasons:
        lines += ["", "Skipped:", "", *(f"- {reason}: {', '.join(where)}" for reason, where in sorted(reasons.items()))]
    failures = [f"- {row.kernel}, {row.cgroup}, {row.driver}: {name}" for row in rows for name in row.failures]
    if failures:
        lines += ["", "Failed:", "", *failures]
    return "\n".join(lines) + "\n"
