"""Health checks (--health-cmd, or an image's HEALTHCHECK): a monitor runs a command in its container again and again.

A check is an exec (execute.py) in a fork of the monitor. Its output and its exit status come back over a channel. What is known of a
container's health is in its report, see engine/record/health.py.
"""

from __future__ import annotations

import marshal
import os
from select import POLLIN, poll
from time import monotonic

from mydocker import store
from mydocker.engine.monitor.audience import LastWord
from mydocker.engine.record import events
from mydocker.engine.record.health import path_of, test_of
from mydocker.engine.record.moments import shown, timestamp
from mydocker.errors import Error, NotFound
from mydocker.kernel import process
from mydocker.kernel.channel import Channel
from mydocker.messages import END, ERRORS, FAILURE, GONE, OUTPUT, SIGNAL, STARTED, check
from mydocker.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from mydocker.cgroups.manager import CgroupManager
    from mydocker.engine.record.config import Healthcheck
    from mydocker.engine.record.containers import Record
    from mydocker.engine.record.health import Report, Result
    from mydocker.messages import ExecRequest

# docker's defaults: seconds, and failures in a row.
_INTERVAL, _TIMEOUT, _START_INTERVAL, _RETRIES = 30.0, 30.0, 5.0, 3
# docker's limits: results in the report, and bytes of output in each.
_KEPT, _LONGEST_OUTPUT = 5, 4096
_SECOND = 1e9
_SIGKILL = 9


def judged(report: Report, result: Result, retries: int, is_starting_up: bool) -> Report:
    """Return the report after one more check.

    retries: how many failures in a row make the container unhealthy.
    is_starting_up: whether the start period goes on, in which failures do not count.
    """
    streak, status = report["FailingStreak"], report["Status"]
    if result["ExitCode"] == 0:
        streak, status = 0, "healthy"
    elif status != "starting" or not is_starting_up:
        streak += 1
        status = "unhealthy" if streak >= retries else status
    return {"Status": status, "FailingStreak": streak, "Log": [*report["Log"], result][-_KEPT:]}


class Check:
    """One check that is under way."""

    __slots__ = ("channel", "pid", "start", "deadline", "output", "status", "is_late")

    def __init__(self, request: ExecRequest, timeout: float) -> None:
        self.start = timestamp()
        self.deadline = monotonic() + timeout  # seconds
        self.output = b""
        self.status = -1
        self.is_late = False  # whether it took too long and was told to end
        self.channel, theirs = Channel.pair()
        self.pid = os.fork()
        if self.pid == 0:
            _execute(request, theirs)
        theirs.close()

    def receive(self) -> bool:
        """Handle one message. Return whether it was the last one."""
        kind, payload, _ = self.channel.receive()
        if kind == GONE:
            return True
        try:
            check("the check", kind, OUTPUT + ERRORS + END + FAILURE, before=STARTED)
        except Error as error:
            self.output = error.message.encode()
        if kind in (OUTPUT, ERRORS):
            self.output = (self.output + payload)[:_LONGEST_OUTPUT]
        elif kind == END and not self.is_late:
            self.status = marshal.loads(payload)
        elif kind == FAILURE:
            self.output = marshal.loads(payload)["message"].encode()
        return False

    def expire(self, seconds: float) -> None:
        """End a check that takes too long.

        seconds: how long it may take, for the output.
        """
        self.is_late = True
        self.output = f"Health check exceeded timeout ({shown(seconds)})".encode() + (b": " + self.output if self.output else b"")
        try:
            self.channel.send(SIGNAL, str(_SIGKILL).encode(), wait=False)
        except OSError:
            return  # the check ends at this moment

    def finish(self) -> Result:
        """Reap the check's process. Return the result for the report."""
        self.channel.close()
        os.waitpid(self.pid, 0)
        output = self.output.decode(errors="replace")
        return {"Start": self.start, "End": timestamp(), "ExitCode": self.status, "Output": output}


def _execute(request: ExecRequest, channel: Channel) -> NoReturn:
    """Be the process that runs a check. Nothing else that the monitor has open stays open here."""
    try:
        channel.close_others()
        process.set_name("mydocker-health")
        from mydocker.engine.monitor.execute import Execution

        with LastWord(channel, "health", Paths(request["root"], request["state"])):
            Execution(request, channel).serve()
    finally:
        os._exit(0)


def _seconds(nanoseconds: int | None, default: float) -> float:
    return (nanoseconds or 0) / _SECOND or default


class Health:
    """The checks of one run of a container: what a Supervisor has as its Watch."""

    __slots__ = ("paths", "record", "cgroup", "settings", "report", "request", "started", "due", "check")

    def __init__(self, paths: Paths, record: Record, cgroup: CgroupManager) -> None:
        self.paths = paths
        self.record = record
        self.cgroup = cgroup
        self.settings: Healthcheck = record["config"]["Healthcheck"] or {}
        self.report: Report = {"Status": "starting", "FailingStreak": 0, "Log": []}
        self.request: ExecRequest = {
            "root": paths.root,
            "state": paths.state,
            "id": record["id"],
            "wanted": OUTPUT + ERRORS,
            "size": None,
            "explain": False,
            "faults": (),
            "process": {"args": test_of(record), "terminal": False},
            "silent": True,
            "exec": "",
        }
        self.started = monotonic()
        self.due = self.started + self._interval()  # when the next check begins
        self.check: Check | None = None  # the check that is under way
        self._save()

    def _is_starting_up(self) -> bool:
        return monotonic() - self.started < _seconds(self.settings.get("StartPeriod"), 0)

    def _interval(self) -> float:
        if self.report["Status"] == "starting" and self._is_starting_up():
            return _seconds(self.settings.get("StartInterval"), _START_INTERVAL)
        return _seconds(self.settings.get("Interval"), _INTERVAL)

    def _timeout(self) -> float:
        return _seconds(self.settings.get("Timeout"), _TIMEOUT)

    def register(self, poller: poll) -> None:
        """Have a poller look for messages of the check."""
        if self.check:
            poller.register(self.check.channel.fileno(), POLLIN)

    def patience(self) -> int | None:
        """Return after how many milliseconds tick() has something to do, or None for never."""
        if self.check and self.check.is_late:
            return None
        moment = self.check.deadline if self.check else self.due
        return max(0, int((moment - monotonic()) * 1000) + 1)

    def tick(self, ready: dict[int, int]) -> None:
        """Do what is due: take what a check says, end a check that takes too long, or begin the next one."""
        if self.check:
            if self.check.channel.fileno() in ready and self.check.receive():
                self._conclude(self.check)
            elif not self.check.is_late and monotonic() >= self.check.deadline:
                self.check.expire(self._timeout())
        elif monotonic() >= self.due:
            self._begin()

    def _begin(self) -> None:
        try:
            if not self.cgroup.is_frozen():
                self.check = Check(self.request, self._timeout())
                return
        except NotFound:
            pass  # the container ends at this moment
        self.due = monotonic() + self._interval()

    def _is_paused(self) -> bool:
        try:
            return self.cgroup.is_frozen()
        except NotFound:
            return False  # the container ends at this moment

    def _conclude(self, check: Check) -> None:
        """Count the result of a check, unless the container was paused meanwhile: then the check was refused, or could not go on."""
        self.check = None
        if self._is_paused():
            check.finish()
            self.due = monotonic() + self._interval()
            return
        before = self.report["Status"]
        self.report = judged(self.report, check.finish(), self.settings.get("Retries") or _RETRIES, self._is_starting_up())
        self._save()
        self.due = monotonic() + self._interval()
        if self.report["Status"] != before:
            events.of_container(self.paths, self.record, f"health_status: {self.report['Status']}")

    def _save(self) -> None:
        try:
            store.write_json(path_of(self.paths, self.record["id"]), self.report, sync=False)
        except OSError as error:
            if error.errno not in store.FULL:
                raise  # on a full disk the report is not the latest, and the container runs on

    def stop(self) -> None:
        """End the check that is under way, because the container has ended."""
        if self.check:
            os.kill(self.check.pid, _SIGKILL)
            self.check.finish()
            self.check = None
