"""The monitor: one process per container, alive as long as it. It starts the container and records its end.

    R {root, state, id, streams, wanted, size, explain, crashAfter} + the container's lock
      → its mount namespace, root file system, cgroup; forks init; GO; S
      → supervise.py
      → exit status into the record, cgroup and state gone, with --rm the container too; Z

Everything it imports is part of every start: the standard library's light modules only.
"""

from __future__ import annotations

import marshal
import os

from mydocker import store
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.engine import containers, remove, state
from mydocker.engine.log import Log, timestamp
from mydocker.engine.plans import monitor_plan
from mydocker.engine.supervise import Supervisor
from mydocker.errors import Error
from mydocker.kernel import mounts, tasks
from mydocker.kernel.channel import Channel
from mydocker.paths import Paths
from mydocker.runtime.failures import failure
from mydocker.runtime.init import Setting, told
from mydocker.runtime.launch import Launch
from mydocker.runtime.seccomp import filter_for
from mydocker.steps.base import Run, Step
from mydocker.steps.files import WriteFile
from mydocker.storage.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.foreign import ForeignLaunch
    from mydocker.kernel.channel import Value

_HIGHEST_DESCRIPTOR = 1 << 20


def main(descriptor: int) -> None:
    """Wait for a request on an inherited channel and serve it; no request is no error."""
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, _HIGHEST_DESCRIPTOR)
    os.chdir("/")
    os.umask(0o022)
    tasks.set_name("mydocker-monitor")
    channel = Channel.inherited(descriptor)
    _warm_up_cgroups()
    kind, payload, descriptors = channel.receive()
    if kind == "R":
        Monitor(marshal.loads(payload), channel, descriptors[0]).serve()


def _warm_up_cgroups() -> None:
    """Take the wait of the first cgroup.procs write while the client still parses its command line.

    The first write after a while waits about 10 ms for an RCU grace period (cgroup_threadgroup_rwsem), those right
    after it do not. Moving this process to where it is already changes nothing, and that it may fail neither.
    """
    for hierarchy in Layout.detect(Paths()).hierarchies[:1]:
        try:
            WriteFile(f"{hierarchy.mount}{hierarchy.own.rstrip('/')}/cgroup.procs", "0").apply()
        except OSError:
            return


class Monitor:
    """One container from its start to its end."""

    __slots__ = ("paths", "request", "client", "lock", "run", "record", "spec", "layout", "cgroup", "launch", "ours")

    def __init__(self, request: dict[str, Any], client: Channel, lock: int) -> None:
        self.paths = Paths(request["root"], request["state"])
        self.request = request
        self.client: Channel | None = client
        self.lock = lock
        self.run = Run("monitor", self._observe if request["explain"] else None, request["crashAfter"])
        self.record = containers.load(self.paths, request["id"])
        self.spec: dict[str, Any] = store.read_json(f"{self.directory}/bundle/config.json")
        self.layout: Layout
        self.cgroup: CgroupManager
        self.launch: Launch | ForeignLaunch
        # Our ends of the container's pipes: {descriptor: 'I', 'O' or 'E'}.
        self.ours: dict[int, str] = {}

    @property
    def directory(self) -> str:
        return self.paths.container(self.record_id)

    @property
    def record_id(self) -> str:
        identity: str = self.request["id"]
        return identity

    def serve(self) -> None:
        """Start the container, stay with it, record its end."""
        try:
            self._start()
        except Error as error:
            self._give_up(error)
        except Exception as error:
            self._give_up(Error(f"monitor: {type(error).__name__}: {error}"))
        else:
            self._finish(self._supervise())

    def _start(self) -> None:
        self.layout = Layout.detect(self.paths)
        self.cgroup = manager(self.layout, self.spec["linux"]["cgroupsPath"])
        drive = driver(self.record["storageDriver"], self.paths)
        foreign = self.record["hostConfig"]["Runtime"]
        self.run.execute(monitor_plan(self.paths, self.record, self.spec, drive, None if foreign else self.cgroup))
        if foreign:
            self._launch_foreign(foreign)
        else:
            self._launch()

    def _launch(self) -> None:
        """Start the container's process with our own runtime."""
        launch = self.launch = Launch(self._setting(), self.run, self._forward)
        pid = launch.fork()
        self._close_theirs()
        early, late = self.cgroup.enter_steps(pid)
        self.run.execute([*early, *late])
        state.save(self.paths, self.record_id, pid, self.cgroup.path)
        launch.go()
        self._record_start(pid)

    def _launch_foreign(self, program: str) -> None:
        """Start it with another one, which is then the monitor's child in its place."""
        from mydocker.engine.foreign import ForeignLaunch

        bundle = f"{self.directory}/bundle"
        launch = self.launch = ForeignLaunch(self._setting(), program, bundle, self.record_id, self.paths.running(self.record_id))
        pid = launch.fork()
        self._close_theirs()
        state.save(self.paths, self.record_id, pid, self.cgroup.path)
        launch.go()
        state.save(self.paths, self.record_id, launch.init, self.cgroup.path)
        self._record_start(launch.init)

    def _record_start(self, pid: int) -> None:
        self.record |= {"status": "running", "pid": pid, "startedAt": timestamp(), "exitCode": 0, "error": "", "oomKilled": False}
        # A power cut ends the container too: only one that outlives it on disk must be known afterwards.
        containers.save(self.paths, self.record, sync=not self.record["autoRemove"])
        os.close(self.lock)
        self._tell("S", pid)

    def _setting(self) -> Setting:
        seccomp = self.spec["linux"].get("seccomp")
        size = self.request["size"]
        return Setting(
            self.spec,
            f"{self.directory}/bundle/rootfs",
            self._streams(),
            (size[0], size[1]) if size else None,
            self.layout.container_mounts(self.cgroup.path),
            filter_for(seccomp, self.paths.cache) if seccomp else None,
            self.request["explain"],
            self.request["crashAfter"],
        )

    def _streams(self) -> tuple[int, int, int]:
        """Make the container's standard streams: /dev/null until the terminal is there, else pipes."""
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        if self.spec["process"].get("terminal"):
            return null, null, null
        theirs = [null]
        if self.record["config"]["OpenStdin"]:
            theirs[0], mine = os.pipe()
            self.ours[mine] = "I"
        for kind in "OE":
            mine, other = os.pipe()
            self.ours[mine] = kind
            theirs.append(other)
        return theirs[0], theirs[1], theirs[2]

    def _close_theirs(self) -> None:
        for descriptor in set(self.launch.setting.streams):
            os.close(descriptor)

    def _supervise(self) -> int:
        is_tty = self.launch.master >= 0
        outputs = {self.launch.master: "O"} if is_tty else {fd: kind for fd, kind in self.ours.items() if kind != "I"}
        stdin = self.launch.master if is_tty else next((fd for fd, kind in self.ours.items() if kind == "I"), -1)
        log = Log(f"{self.directory}/log.json")
        supervisor = Supervisor(self.launch.pid, self.client, outputs, stdin, is_tty, self.request["wanted"], log)
        try:
            return supervisor.run()
        finally:
            self.client = supervisor.client
            self.record["error"] = supervisor.problem

    def _finish(self, status: int) -> None:
        """Record the end, then leave nothing: every part is tried, and what failed is said."""
        self.record |= {
            "status": "exited",
            "pid": 0,
            "exitCode": status,
            "finishedAt": timestamp(),
            "oomKilled": self.cgroup.oom_kills() > 0,
        }
        with store.Lock(f"{self.directory}/lock"):
            problems: list[Error] = []
            if not self.record["autoRemove"]:
                remove.attempt(problems, lambda: containers.save(self.paths, self.record))
            problems += self._unmount()
            problems += remove.runtime_state(self.paths, self.record_id, self.cgroup)
            if self.record["autoRemove"]:
                problems += remove.container(self.paths, self.record)
        self._report(problems)
        self._tell("Z", status)

    def _unmount(self) -> list[Error]:
        """Let go of the root file system, which this process's namespace holds too."""
        problems: list[Error] = []
        remove.attempt(problems, lambda: mounts.umount(f"{self.directory}/bundle/rootfs", mounts.MNT_DETACH))
        return problems

    def _give_up(self, error: Error) -> None:
        """Undo a start that failed and say why."""
        if hasattr(self, "launch"):
            self.launch.kill()
        problems = self.run.undo_all()
        problems += remove.after_failed_start(self.paths, self.record, error)
        self._report(problems)
        self._tell("F", failure(error))

    def _report(self, problems: list[Error]) -> None:
        for problem in problems:
            self._tell("X", ("monitor", f"not cleaned up: {problem.message}", 0.0))

    def _observe(self, who: str, step: Step, seconds: float) -> None:
        self._forward((who, told(step, self.request["explain"]), seconds))

    def _forward(self, value: Value) -> None:
        self._tell("X", value)

    def _tell(self, kind: str, value: Value) -> None:
        if self.client:
            try:
                self.client.put(kind, value)
            except (BrokenPipeError, ConnectionResetError):
                self.client.close()
                self.client = None
