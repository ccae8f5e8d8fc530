"""exec: one more process in a running container. It has a monitor of its own, for its streams and its end.

    EXEC → STARTED pid → supervise.py → END exit status (mydocker/messages.py)

If it has a record (record/execs.py), the exit status is in there before END is sent: whoever has seen the end may ask at once.

The process is a child of that monitor, in the container's namespaces and cgroups, with the container's capabilities and seccomp filter.
"""

from __future__ import annotations

import os

from mydocker import explaining, store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.monitor.audience import Audience
from mydocker.engine.monitor.plans import Order
from mydocker.engine.monitor.streams import Streams
from mydocker.engine.monitor.supervise import Supervisor
from mydocker.engine.record import bundle, containers, events, execs, state
from mydocker.errors import Conflict, Error, NotFound, StepFailed
from mydocker.kernel import tasks
from mydocker.kernel.channel import Listener
from mydocker.messages import END, EXEC, EXPLAIN, FAILURE, INPUT, STARTED, failure
from mydocker.paths import Paths
from mydocker.runtime.init import Setting, join
from mydocker.runtime.joining import hold_namespaces, joined
from mydocker.runtime.launch import Launch
from mydocker.runtime.seccomp import filter_for
from mydocker.runtime.users import USER_ANNOTATION
from mydocker.steps.base import Run
from mydocker.tracebacks import as_error, kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.execs import Exec
    from mydocker.kernel.channel import Channel
    from mydocker.messages import ExecRequest, Explanation, WantedProcess
    from mydocker.runtime.spec import Process, Spec


class Execution(Order):
    """One exec from its request to its end."""

    __slots__ = ("paths", "request", "record", "id", "init", "audience", "run", "launch", "streams", "known", "stop")

    def __init__(self, request: ExecRequest, client: Channel, stop: explaining.Stop | None = None) -> None:
        self.paths = Paths(request["root"], request["state"])
        self.request = request
        self.record: containers.Record | None = None
        self.audience = Audience(self.paths.container(request["id"]), client, request["wanted"])
        self.known: Exec | None = None  # its record, if a client of the API has made one
        if request["exec"]:
            self.known = execs.load(self.paths, request["exec"])
            self.audience.listener = Listener(execs.socket(self.paths, self.known))
        self.id = request["exec"] or os.urandom(32).hex()  # of this exec, for its events
        self.init = 0  # the pid of the container's init
        self.stop = stop
        observer = explaining.observer(self._explain, "monitor", EXEC, stop=stop) if request["explain"] else None
        self.run = Run("monitor", observer, request["faults"])
        self.launch: Launch
        self.streams: Streams

    def serve(self) -> None:
        """Start the process, stay with it, and tell its end."""
        try:
            self._start()
        except Exception as error:
            if hasattr(self, "launch"):
                self.launch.kill()
            reason = self._reason(error)
            self._record_end(reason.exit_status or 126)
            self.audience.tell_all(FAILURE, failure(reason))
            self.audience.finish()
        else:
            self._tell_event("exec_start")
            self.audience.tell_all(STARTED, self.launch.pid)
            status = self._supervise()
            self._record_end(status)
            self._tell_event("exec_die", exitCode=status)
            self.audience.stop_listening()
            self.audience.tell_all(END, status)
            self.audience.finish()

    def _record_end(self, status: int) -> None:
        if self.known:
            execs.ended(self.paths, self.known, status)
            store.remove_tree(execs.socket(self.paths, self.known))

    def _tell_event(self, action: str, **more: object) -> None:
        """Write an event, unless this is a check of the container's health. Events of checks would drive out all others."""
        if self.request["silent"]:
            return
        try:
            self.record = containers.load(self.paths, self.request["id"])
        except NotFound:
            if not self.record:
                raise
            # The container was removed, and this process ended with it. The event says what was known of the container.
        words = "" if more else ": " + " ".join(self.request["process"]["args"])
        events.of_container(self.paths, self.record, action + words, execID=self.id, **more)

    def _start(self) -> None:
        known = running(self.paths, self.request["id"])
        self.init = known["pid"]
        if not self.known:
            self._tell_event("exec_create")
        own = bundle.load(self.paths, self.request["id"])
        directory = hold_namespaces(known["pid"], self.paths.proc)
        if self._container_ends():
            raise self._not_running()
        setting = self._setting(process_spec(own, self.request["process"], directory))
        cgroup = manager(Layout.detect(self.paths), known["cgroup"]).beside(self.init)
        self.launch = Launch(setting, self.run, self._explain, join, cgroup)
        self.in_order()

    def fork(self) -> int:
        pid = self.launch.fork()
        self.streams.close_theirs()
        return pid

    def go(self, pid: int) -> None:
        if self.known:
            self.known = execs.begun(self.paths, self.known, pid)
        self.launch.go()

    def _setting(self, spec: Spec) -> Setting:
        seccomp = spec["linux"].get("seccomp")
        size = self.request["size"]
        self.streams = Streams(spec, INPUT in self.request["wanted"])
        return Setting(
            spec=spec,
            root="/",
            streams=self.streams.theirs,
            size=(size[0], size[1]) if size else None,
            cgroups=[],
            seccomp=filter_for(seccomp, self.paths.cache) if seccomp else None,
            explain=self.request["explain"],
            stop=self.stop,
            faults=self.request["faults"],
        )

    def _supervise(self) -> int:
        master = self.launch.master
        outputs, stdin = self.streams.outputs(master), self.streams.input(master)
        return Supervisor(self.launch.pid, self.audience, outputs, stdin, master >= 0, True).run()

    def _reason(self, error: Exception) -> Error:
        """Return the error with which a start failed.

        Any step of it may fail while the container ends. Then the container's end is the reason.
        """
        if isinstance(error, (StepFailed, OSError)) and self._container_ends():
            return self._not_running()
        return kept(as_error(error, "exec"), self.paths.errors)

    def _not_running(self) -> Conflict:
        return Conflict(f"container {self.request['id'][:12]} is not running")

    def _container_ends(self) -> bool:
        return state.running_pid(self.paths, self.request["id"]) != self.init or tasks.is_ending(self.init, self.paths.proc)

    def _explain(self, told: Explanation) -> None:
        self.audience.tell_all(EXPLAIN, told)


def running(paths: Paths, container_id: str) -> state.State:
    """Return the state of a running container. Raises Conflict if it does not run, or is paused."""
    known = state.load(paths, container_id)
    if not known or not state.running_pid(paths, container_id):
        raise Conflict(f"container {containers.load(paths, container_id)['name']} is not running")
    if manager(Layout.detect(paths), known["cgroup"]).is_frozen():
        raise Conflict(f"container {containers.load(paths, container_id)['name']} is paused, unpause the container before exec")
    return known


def process_spec(spec: Spec, wanted: WantedProcess, directory: str) -> Spec:
    """Return the spec of one more process of a container.

    spec: the container's.
    directory: where the container's namespaces are found.
    """
    own, annotations = spec["process"], dict(spec["annotations"])
    process: Process = {
        **own,
        "args": wanted["args"],
        "env": wanted.get("env", own["env"]),
        "terminal": wanted["terminal"],
        "cwd": wanted.get("cwd", own["cwd"]),
        "capabilities": wanted.get("capabilities", own["capabilities"]),
    }
    user = wanted.get("user")
    if user is not None:
        annotations[USER_ANNOTATION] = user
    return joined({**spec, "process": process, "annotations": annotations}, directory)
