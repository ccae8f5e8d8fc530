"""What is known of a container's health: ROOT/containers/ID/health.json (REPORT below), under docker's names (Engine API, Health).

Its monitor writes it, see engine/monitor/health.py.
"""

from __future__ import annotations

from mydocker import store
from mydocker.engine.record import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class Result(TypedDict):
        """What one check said."""

        Start: str
        End: str
        ExitCode: int
        Output: str

    class Report(TypedDict):
        """ROOT/containers/ID/health.json."""

        Status: str
        FailingStreak: int
        Log: list[Result]


RESULT: Shape = {
    "Start!": "text",  # RFC 3339, UTC
    "End!": "text",
    "ExitCode!": "number",  # -1 for a check that took too long or could not be run
    "Output!": "text",
}

REPORT: Shape = {
    "Status!": "text",  # starting, healthy or unhealthy
    "FailingStreak!": "natural",
    "Log!": [RESULT],  # the last five, oldest first
}


def test_of(record: Record) -> list[str]:
    """Return the command that checks a container, or [] if there is none."""
    kind, *words = (record["config"]["Healthcheck"] or {}).get("Test") or ["NONE"]
    if kind == "CMD-SHELL":
        return ["/bin/sh", "-c", *words]
    return words if kind == "CMD" else []


def load(paths: Paths, record: Record) -> Report | None:
    """Return what is known of a container's health, or None if it has no checks or was never started.

    A container that nobody checks any more is unhealthy, as in docker.
    """
    if not test_of(record):
        return None
    try:
        report: Report = store.read_document(path_of(paths, record["id"]), REPORT)
    except FileNotFoundError:
        return None  # the container was never started
    known = state.load(paths, record["id"])
    is_checked = known and state.is_running(paths, known) and state.is_watched(paths, known)
    return report if is_checked else {**report, "Status": "unhealthy"}


def status(paths: Paths, record: Record) -> str:
    """Return 'starting', 'healthy', 'unhealthy' or 'none'."""
    report = load(paths, record)
    return report["Status"] if report else "none"


def path_of(paths: Paths, container_id: str) -> str:
    """Return the path of a container's report."""
    return f"{paths.container(container_id)}/health.json"
