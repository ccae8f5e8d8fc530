"""The verbs create and run: they make a container out of a bundle. If that fails, nothing is left."""

from __future__ import annotations

import os
from time import gmtime, strftime, time

from mydocker import store
from mydocker.errors import BadInput, Error, StepFailed
from mydocker.kernel import tasks
from mydocker.kernel.capabilities import available
from mydocker.oci import console, containers, destroy, gate
from mydocker.oci.arguments import Arguments, Flags
from mydocker.oci.bundle import read_bundle
from mydocker.oci.cgroup import cgroup_path, enter_scope, freezer_file, place, refuse_frozen, refuse_strangers
from mydocker.oci.privileges import grantable
from mydocker.oci.sealing import restart_sealed_if_exposed
from mydocker.oci.settings import filter_cache, is_hosts_root
from mydocker.runtime.hooks import hooks
from mydocker.runtime.init import Setting
from mydocker.runtime.launch import Launch
from mydocker.runtime.mounts import early_trees
from mydocker.runtime.plan import How, namespaces
from mydocker.runtime.seccomp import filter_for
from mydocker.steps.base import Run
from mydocker.steps.faults import injected

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from mydocker.oci.containers import Record
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Process, Spec

_SWITCHES = "no-pivot no-new-keyring no-subreaper"
_VALUES = "bundle config pid-file console-socket preserve-fds"
CREATE = Flags(_SWITCHES, _VALUES, short={"b": "bundle", "f": "config"})
RUN = Flags(f"{_SWITCHES} detach keep", _VALUES, short={"b": "bundle", "f": "config", "d": "detach"})


class Creation:
    """One container that is being made. The container's lock is held until this process ends.

    gated: whether the container's process will wait for a start.
    """

    __slots__ = ("settings", "arguments", "container", "spec", "run", "devices", "launch", "gated", "listener")

    def __init__(self, settings: Settings, arguments: Arguments, gated: bool) -> None:
        self.settings = settings
        self.arguments = arguments
        self.gated = gated
        self.container = containers.Container(settings, arguments.words[0])
        self.run = Run("runtime", settings.observer(), injected(os.environ))
        self.devices = Run("devices")
        self.spec: Spec
        self.launch: Launch | None = None
        self.listener: _socket.socket | None = None  # what the program tells systemd, see notify.py

    def make(self) -> int:
        """Make the container and return the pid of its first process. If that fails, everything is undone."""
        bundle = os.path.realpath(self.arguments.value("bundle", "."))
        self.spec = read_bundle(bundle, self.arguments.value("config"))
        self.spec["process"] = grantable(self.spec["process"], "user" in namespaces(self.spec), self.settings)
        console.check(self.spec["process"], self.arguments, self.gated or self.arguments.on("detach"))
        restart_sealed_if_exposed(self.settings, self.spec)
        containers.claim(self.container)
        try:
            return self._make(bundle)
        except BaseException as error:
            too_low = self._want_of_memory() if isinstance(error, StepFailed) else None
            self._undo()
            if too_low:
                raise too_low from error
            raise

    def _want_of_memory(self) -> Error | None:
        """Return the error that the memory limit is too low even for init, if the kernel has killed something for it."""
        limit, record = self.spec["linux"]["resources"].get("memory", {}).get("limit"), self.container.record
        if not limit or not record["cgroup"] or not self.container.cgroup().oom_kills():
            return None
        return Error(f"memory limit {limit}: the container's first process was killed for want of memory", "2 MiB are enough for it")

    def _make(self, bundle: str) -> int:
        container, spec = self.container, self.spec
        record = self._record(bundle)
        refuse_strangers(container.layout, record["cgroup"])
        refuse_frozen(container.layout, record["cgroup"])
        container.record = record
        store.write_json(f"{container.directory}/config.json", spec, 0o600, sync=False)
        container.save()
        place(container, spec, self.run)
        launch = self._forked(spec)  # From here on init builds its root at the same time.
        pid = launch.pid
        container.record["pid"], container.record["started"] = pid, tasks.start_time(pid)
        container.save()
        enter_scope(container, pid, self.run)
        state = container.state("creating")
        state["pid"] = pid
        self._move_devices(pid)
        before = [hook for kind in ("prestart", "createRuntime") for hook in hooks(spec, kind, state, state["bundle"])]
        if before:
            launch.wait_until_built()
            self.run.execute(before)
        launch.go(state)
        console.hand_over(launch.master, self.arguments)
        container.record["whole"] = True
        container.save()
        self._write_pid_file(pid)
        return pid

    def _forked(self, spec: Spec) -> Launch:
        """Open what has to be opened early, and fork init."""
        if os.environ.get("NOTIFY_SOCKET"):
            spec = self._with_notify_socket(spec)
        wanted = spec["linux"]["devices"] and namespaces(spec).get("user") == "" and is_hosts_root()
        if not wanted or "CAP_MKNOD" not in available():
            return self._fork(spec)
        from mydocker.oci import nodes

        with nodes.DeviceNodes(spec, self.container.directory) as made:
            return self._fork(made.spec)

    def _fork(self, spec: Spec) -> Launch:
        self.spec = spec
        record = self.container.record
        cgroup = self.container.cgroup() if record["cgroup"] and not record["systemd"] else None
        self.launch = launch = Launch(self._setting(), self.run, self.settings.tell, cgroup=cgroup)
        self.run.execute(early_trees(spec, os.geteuid() == 0))
        launch.fork()
        return launch

    def _with_notify_socket(self, spec: Spec) -> Spec:
        from mydocker.oci import notify

        spec = notify.prepared(self.container, spec)
        self.listener = None if self.gated else notify.listen(self.container)
        return spec

    def _move_devices(self, pid: int) -> None:
        devices = self.spec["linux"].get("netDevices", {})
        if devices:
            from mydocker.steps.netdevices import device_steps

            assert self.launch
            names = {device: wanted.get("name") or device for device, wanted in devices.items()}
            self.launch.wait_for_namespaces()
            self.devices.execute(device_steps(names, f"/proc/{pid}/ns/net"))

    def _record(self, bundle: str) -> Record:
        seconds = time()
        cgroup = cgroup_path(self.spec, self.container, self.settings)
        return {
            "pid": 0,
            "started": None,
            "bundle": bundle,
            "rootfs": self.spec["root"]["path"],
            "annotations": self.spec["annotations"],
            "created": strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds)) + f".{int(seconds % 1 * 1e9):09d}Z",
            "cgroup": cgroup,
            "freezer": freezer_file(self.container.layout, cgroup),
            "systemd": self.settings.systemd,
            "uid": os.geteuid(),
            "whole": False,
        }

    def _setting(self) -> Setting:
        spec = self.spec
        seccomp = spec["linux"].get("seccomp")
        preserved = preserved_descriptors(self.arguments, spec["process"])
        how = How(
            preserved=preserved,
            pivot=not self.arguments.on("no-pivot"),
            keyring=not self.arguments.on("no-new-keyring"),
            gate=gate.make(self.container.directory) if self.gated else None,
            privileged=os.geteuid() == 0,
        )
        size = console.size(spec["process"])
        cgroup = self.container.record["cgroup"]
        return Setting(
            spec=spec,
            root=spec["root"]["path"],
            streams=(0, 1, 2),
            size=size,
            cgroups=self.container.layout.container_mounts(cgroup) if cgroup else [],
            seccomp=filter_for(seccomp, filter_cache(self.settings.root)) if seccomp else None,
            explain=self.settings.debug,
            faults=injected(os.environ),
            how=how,
        )

    def _write_pid_file(self, pid: int) -> None:
        path = self.arguments.value("pid-file")
        if path:
            store.write_atomic(os.path.abspath(path), str(pid).encode(), sync=False)

    def _undo(self) -> None:
        """Undo everything. What cannot be undone is logged, because the caller raises the error that was the reason."""
        problems = self.devices.undo_all()  # This comes first, while their network namespace still exists.
        if self.launch:
            self.launch.kill()
        problems += self.run.undo_all()
        destroy.log_problems(self.settings, problems + destroy.everything(self.container, self.spec))


def preserved_descriptors(arguments: Arguments, process: Process) -> int:
    """Return how many descriptors from 3 on the container gets: --preserve-fds, and those of socket activation (sd_listen_fds(3)).

    With socket activation, LISTEN_FDS and LISTEN_PID are added to `process`. Raises BadInput if a descriptor is not open.
    """
    count, listening = arguments.number("preserve-fds"), os.environ.get("LISTEN_FDS", "")
    if listening.isdigit() and int(listening):
        count += int(listening)
        process["env"] = [*process["env"], f"LISTEN_FDS={listening}", "LISTEN_PID=1"]
    for descriptor in range(3, 3 + count):
        try:
            os.set_inheritable(descriptor, True)
        except OSError as error:
            raise BadInput(f"--preserve-fds {count}: descriptor {descriptor} is not open") from error
    return count


def create(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci create`: make a container whose process waits for the start."""
    Creation(settings, arguments, gated=True).make()
    return 0


def run(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci run`: make a container and start it at once.

    Without --detach it stays in the foreground until the process ends, removes the container unless --keep is given, and returns the
    exit status of the process.
    """
    detached = arguments.on("detach")
    creation = Creation(settings, arguments, gated=False)
    pid = creation.make()
    container = creation.container
    assert creation.launch
    state = container.state("running")
    state["pid"] = pid  # also if it has ended already
    try:
        Run("runtime").execute(hooks(creation.spec, "poststart", state))
    except Error:
        creation.launch.kill()
        destroy.log_problems(settings, destroy.everything(container, creation.spec))
        raise
    beside = _relay(container, creation.listener, detached) if creation.listener else 0
    if detached:
        return 0
    status = console.stay(pid, creation.launch.master)
    if beside:
        os.waitpid(beside, 0)
    if not arguments.on("keep"):
        destroy.log_problems(settings, destroy.everything(container, creation.spec))
    return status


def _relay(container: containers.Container, listener: _socket.socket, detached: bool) -> int:
    """Pass on that the program is ready. Return 0 when that is done, or the pid of the process that will do it."""
    from mydocker.oci import notify

    if not detached:
        return notify.relay_beside(container, listener)
    notify.relay(container, listener, is_main=True)
    return 0
