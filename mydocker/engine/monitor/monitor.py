"""The monitor: the process beside a container. It starts the container, lives as long as it, and records its end.

    START, with the container's lock and the clients that waited for it
      → mount namespace, root file system and cgroup; fork of init; networks; GO to init, STARTED to the client
      → supervise.py, until the container ends
      → exit status into the record; cgroup and STATE/ID removed, with --rm the container too; END to the client
    EXEC → one more process in a running container, see execute.py

The messages to clients and to init are drawn in mydocker/messages.py.
Every start imports all that is imported here. So of the standard library only light modules are.
"""

from __future__ import annotations

import marshal
import os
from time import monotonic

from mydocker import explaining, store
from mydocker.cgroups import choice  # noqa: F401  # needed for limits, imported while the client reads its command line
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import CgroupManager, manager
from mydocker.engine.connection import links
from mydocker.engine.connection.plug import Joining
from mydocker.engine.connection.unplug import close_ports
from mydocker.engine.monitor import end, outcome, restart, staged
from mydocker.engine.monitor.audience import Audience, LastWord
from mydocker.engine.monitor.names import Names
from mydocker.engine.monitor.plans import Order, monitor_plan
from mydocker.engine.monitor.streams import Streams, log_of
from mydocker.engine.monitor.supervise import Supervisor
from mydocker.engine.record import bundle, containers, events, joined, state
from mydocker.engine.record.health import test_of
from mydocker.engine.record.moments import timestamp
from mydocker.errors import Error, attempt
from mydocker.kernel import process
from mydocker.kernel.channel import Channel, Listener
from mydocker.messages import END, EXEC, EXPLAIN, FAILURE, GONE, START, STARTED, check, failure, watch
from mydocker.paths import Paths
from mydocker.runtime.init import Setting
from mydocker.runtime.launch import Launch
from mydocker.runtime.seccomp import filter_for
from mydocker.steps.base import Run
from mydocker.steps.links import delete_all
from mydocker.storage.drivers import driver
from mydocker.tracebacks import as_error, kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.monitor.foreign import ForeignLaunch
    from mydocker.engine.monitor.health import Health
    from mydocker.engine.record.log import Log
    from mydocker.messages import Explanation, Request


def main(descriptor: int) -> None:
    """Wait for a request on an inherited channel and serve it. If none comes, that is not an error."""
    watch(None)  # this may be a fork of a client that is watched
    channel = Channel.inherited(descriptor)
    channel.close_others()
    os.chdir("/")
    os.umask(0o022)
    process.set_name("mydocker-monitor")
    kind, payload, descriptors = channel.receive()
    if kind == GONE:
        return
    with LastWord(channel, "monitor") as last_word:
        check("the client", kind, START + EXEC)
        request = marshal.loads(payload)
        last_word.paths = Paths(request["root"], request["state"])
        if kind == START:
            stop = explaining.stop_of(request, descriptors)
            Monitor(request, channel, descriptors[0], descriptors[1:], stop).serve()
        else:
            from mydocker.engine.monitor.execute import Execution

            Execution(request, channel, explaining.stop_of(request, descriptors)).serve()
    os._exit(0)  # to end the interpreter in the usual way would take 5 ms


class Monitor(Order):
    """One container from its start to its end."""

    __slots__ = (
        "paths",
        "request",
        "stop",
        "audience",
        "lock",
        "run",
        "record",
        "spec",
        "drive",
        "layout",
        "cgroup",
        "launch",
        "streams",
        "joining",
        "health",
        "log",
        "started",
    )

    def __init__(self, request: Request, client: Channel, lock: int, others: list[int], stop: explaining.Stop | None = None) -> None:
        self.paths = Paths(request["root"], request["state"])
        self.request = request
        self.audience = Audience(self.directory, client, request["wanted"])
        self.audience.take_over(request.get("others", []), others)
        self.lock = lock  # a descriptor of the container's lock
        self.stop = stop
        observer = explaining.observer(self._explain, "monitor", START, stop=stop) if request["explain"] else None
        self.run = Run("monitor", observer, request["faults"])
        self.record = containers.load(self.paths, request["id"])
        self.spec = bundle.load(self.paths, request["id"], request.get("secrets", []))
        self.layout: Layout
        self.cgroup: CgroupManager
        self.launch: Launch | ForeignLaunch
        self.streams: Streams
        self.drive = driver(self.record["storageDriver"], self.paths)
        self.joining = Joining(self.paths, self.record, self.run)
        self.health: Health | None = None
        self.log: Log | None = None
        self.started = 0.0  # when, by monotonic()

    @property
    def directory(self) -> str:
        return self.paths.container(self.request["id"])

    def serve(self) -> None:
        """Start the container, stay with it, and record its end."""
        try:
            self._start()
        except Exception as error:
            self._give_up(kept(as_error(error, "monitor"), self.paths.errors))
        else:
            self._finish(self._supervise())

    def _start(self) -> None:
        self.spec = links.with_variables(self.paths, self.record, joined.with_paths(self.paths, self.record, self.spec))
        self.layout = Layout.detect(self.paths)
        self.cgroup = manager(self.layout, self.spec["linux"]["cgroupsPath"])
        foreign = self.record["hostConfig"]["Runtime"]
        self.run.execute(monitor_plan(self.paths, self.record, self.spec, self.drive, None if foreign else self.cgroup))
        self.audience.listener = Listener(self.paths.attach_socket(self.request["id"]))
        self.log = log_of(self.record, f"{self.directory}/log.json")  # before the container can fill the disk
        if foreign:
            self._launch_foreign(foreign)
        else:
            self.in_order()

    def fork(self) -> int:
        self.launch = Launch(self._setting(), self.run, self._explain, cgroup=self.cgroup)
        pid = self.launch.fork()
        self.streams.close_theirs()
        return pid

    def claim(self) -> None:
        self.joining.claim(self.record["endpoints"])

    def connect(self, pid: int) -> None:
        if not self.joining.attachment["endpoints"]:
            return
        launch = self.launch
        assert isinstance(launch, Launch)
        launch.wait_for_namespaces()
        try:
            self.joining.plug(f"{self.paths.proc}/{pid}/ns/net")
        except Error:
            launch.raise_if_failed()
            raise

    def go(self, pid: int) -> None:
        state.save(self.paths, self.request["id"], pid, self.cgroup.path)
        self._check_joined()
        self._settle()
        self.launch.go()
        self._record_start(pid)

    def _settle(self) -> None:
        """Wait for the disk while init builds its root: afterwards the program may fill it before the record is written."""
        if not self.record["autoRemove"]:
            bundle.settle(self.paths, self.record)

    def _check_joined(self) -> None:
        """Raise an error if init has joined a namespace of a container that has ended meanwhile."""
        if joined.others(self.record):
            assert isinstance(self.launch, Launch)
            self.launch.wait_until_built()
            joined.check(self.paths, self.record, self.spec)

    def _launch_foreign(self, program: str) -> None:
        """Start the container with another runtime, which is then the monitor's child in place of init."""
        from mydocker.engine.monitor.foreign import ForeignLaunch, NetworkNamespace

        self.claim()
        setting = self._setting()
        if self.joining.attachment["endpoints"]:
            # Another runtime does not wait half way for its network namespace to be connected. So it joins one that is connected.
            made = NetworkNamespace()
            self.joining.plug(made.path)
            setting.spec = made.joined(setting.spec)
        directory = f"{self.directory}/bundle"
        launch = self.launch = ForeignLaunch(setting, program, directory, self.request["id"], self.paths.running(self.request["id"]))
        pid = launch.fork()
        self.streams.close_theirs()
        state.save(self.paths, self.request["id"], pid, self.cgroup.path)
        self._settle()
        launch.go()
        state.save(self.paths, self.request["id"], launch.init, self.cgroup.path)
        joined.check(self.paths, self.record, self.spec)
        self._record_start(launch.init)

    def _record_start(self, pid: int) -> None:
        self.started = monotonic()
        self.record |= {"status": "running", "pid": pid, "startedAt": timestamp(), "exitCode": 0, "error": "", "oomKilled": False}
        self.record["published"] = self.joining.attachment["published"]
        # A power cut ends the container too. Afterwards, nobody has to know of a container with --rm.
        containers.save(self.paths, self.record, sync=not self.record["autoRemove"])
        if test_of(self.record):
            from mydocker.engine.monitor.health import Health  # most starts do not need it

            self.health = Health(self.paths, self.record, self.cgroup)
        events.of_mounts(self.paths, self.record, "mount")
        events.of_networks(self.paths, self.joining.attachment, self.request["id"], "connect")
        events.of_container(self.paths, self.record, "start")
        os.close(self.lock)
        self.audience.tell_all(STARTED, pid)

    def _setting(self) -> Setting:
        seccomp = self.spec["linux"].get("seccomp")
        size = self.request["size"]
        self.streams = Streams(self.spec, self.record["config"]["OpenStdin"])
        return Setting(
            spec=self.spec,
            root=f"{self.directory}/bundle/rootfs",
            streams=self.streams.theirs,
            size=(size[0], size[1]) if size else None,
            cgroups=self.layout.container_mounts(self.cgroup.path),
            seccomp=filter_for(seccomp, self.paths.cache) if seccomp else None,
            explain=self.request["explain"],
            stop=self.stop,
            faults=self.request["faults"],
        )

    def _supervise(self) -> int:
        master = self.launch.master
        outputs, stdin = self.streams.outputs(master), self.streams.input(master)
        once = self.record["config"]["StdinOnce"]
        names = Names(self.paths, self.record, [each.detach() for each in self.joining.sockets])
        return Supervisor(self.launch.pid, self.audience, outputs, stdin, master >= 0, once, self.log, self.health, names).run()

    def _finish(self, status: int) -> None:
        """Record the end, then remove what the run left. All parts are tried, and failures are told. With --restart, begin again."""
        links: list[int] = []
        with store.Lock(f"{self.directory}/lock"):
            problems: list[Error] = []
            attempt(problems, self._record_end, status)
            problems += end.runtime_state(self.paths, self.request["id"], self.cgroup, links)
            # It is mounted in this mount namespace. An end is not told: a run with nobody who listens.
            rootfs = f"{self.directory}/bundle/rootfs"
            for step in [*staged.unmount_steps(self.record), *self.drive.unmount_steps(self.directory, rootfs)]:
                attempt(problems, Run("monitor").apply, step)
            close_ports(self.run)
            if restart.is_last(self.record):
                problems += end.container(self.paths, self.record)
            attempt(problems, restart.announce, self.paths, self.record)
            self.audience.stop_listening()
            self._report(problems)
            self.audience.tell_all(END, status)
        self.audience.finish()
        delete_all(links)
        if self.record["status"] == "restarting":
            self.audience.close()
            restart.wait(self.paths, self.record, self.request)

    def _record_end(self, status: int) -> None:
        # The record is read again, as others rename, stop and update a container while it runs.
        self.record = containers.load(self.paths, self.request["id"])
        lost = self.log.problem if self.log else ""
        is_oom = self.cgroup.oom_kills() > 0
        outcome.write(self.paths, self.record, status, monotonic() - self.started, is_oom, lost)

    def _give_up(self, error: Error) -> None:
        """Undo a start that failed, and tell why it failed."""
        if hasattr(self, "launch"):
            self.launch.kill()
        error = joined.lost(self.paths, self.record, self.spec) or error
        problems = self.run.undo_all()
        problems += end.after_failed_start(self.paths, self.record, error)
        self.audience.stop_listening()
        self._report(problems)
        self.audience.tell_all(FAILURE, failure(error))
        self.audience.finish()

    def _report(self, problems: list[Error]) -> None:
        for problem in problems:
            self._explain(explaining.said("monitor", f"not cleaned up: {problem.message}"))

    def _explain(self, told: Explanation) -> None:
        self.audience.tell_all(EXPLAIN, told)
