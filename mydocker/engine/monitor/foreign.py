"""--runtime: another OCI runtime (runc, crun, or a path) starts the container's process from the same bundle.

The other runtime is a child of the monitor and stays in the foreground (`RUNTIME run`). It passes signals on, its standard streams are
the container's, and its exit status is the container's. It makes the cgroup itself, where the spec says.
"""

from __future__ import annotations

import os
from time import monotonic, sleep

from mydocker import leanjson, store
from mydocker.engine.record.state import FOREIGN
from mydocker.errors import CommandNotExecutable, CommandNotFound, Error, StepFailed
from mydocker.kernel import inroot, mounts, namespaces, terminal
from mydocker.kernel.namespaces import CLONE_NEWNS
from mydocker.runtime.init import resolved_user
from mydocker.runtime.mounts import FIRST_TREE, opens_all_early
from mydocker.runtime.users import GROUPS_ANNOTATION, USER_ANNOTATION
from mydocker.steps.base import Run
from mydocker.steps.mounts import Mount
from mydocker.steps.namespaces import BringUpLoopback, Unshare
from mydocker.steps.rootfs import AttachTree, OpenTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.init import Setting
    from mydocker.runtime.spec import Namespace, Process, Spec
    from mydocker.steps.base import Step

_DEADLINE = 30.0  # seconds


class ForeignLaunch:
    """A container's process that another program starts. It has the interface of runtime.launch.Launch."""

    __slots__ = ("setting", "program", "bundle", "container_id", "state", "pid", "init", "master")

    def __init__(self, setting: Setting, program: str, bundle: str, container_id: str, state: str) -> None:
        self.setting = setting
        self.program = program
        self.bundle = bundle
        self.container_id = container_id
        self.state = state  # a directory for what the runtime keeps
        self.pid = 0  # of the runtime
        self.init = 0  # the pid of the container's process, after go()
        self.master = -1  # the terminal's, -1 without one

    def fork(self) -> int:
        """Start the runtime and return its pid. The container's own pid is in `init` after go()."""
        store.write_json(self.bundle + "/config.json", plain(self.setting.spec, self.setting.root), sync=False)
        slave = self._open_terminal() if self.setting.spec["process"]["terminal"] else -1
        self.pid = os.fork()
        if self.pid == 0:
            self._become(slave)
        if slave >= 0:
            os.close(slave)
        return self.pid

    def _open_terminal(self) -> int:
        self.master, number = terminal.open_master("/dev/ptmx")
        if self.setting.size:
            terminal.set_window_size(self.master, *self.setting.size)
        return os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)

    def _become(self, slave: int) -> None:
        try:
            os.setsid()
            if opens_all_early(self.setting.spec, True):
                Run("runtime").execute(reachable(self.setting.spec, self.bundle))
            if slave >= 0:
                terminal.make_controlling(slave)
            for number, descriptor in enumerate((slave,) * 3 if slave >= 0 else self.setting.streams):
                os.dup2(descriptor, number)
            flags = ["--root", f"{self.state}/{FOREIGN}", "--log", self.state + "/log.json", "--log-format", "json"]
            arguments = ["run", "--bundle", self.bundle, "--pid-file", self.state + "/pid", self.container_id]
            environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")}
            os.execve(self.program, [self.program, *flags, *arguments], environment)
        finally:
            os._exit(127)

    def go(self) -> None:
        """Wait until the container's process is there. Raises what the runtime said if it ended before."""
        deadline = monotonic() + _DEADLINE
        while not self.init:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            self.init = self._read_pid()
            if not self.init and ended:
                raise self._failure()
            if monotonic() > deadline:
                raise StepFailed(f"{self.program} did not start the container within {_DEADLINE:g} seconds")
            sleep(0.002)

    def _read_pid(self) -> int:
        try:
            with open(self.state + "/pid") as file:
                return int(file.read() or "0")
        except FileNotFoundError:
            return 0

    def _failure(self) -> Error:
        """Return the runtime's last error message as an error of ours."""
        try:
            with open(self.state + "/log.json") as file:
                lines = [leanjson.loads(line) for line in file if line.strip()]
        except FileNotFoundError:
            lines = []
        message = f"{self.program}: " + str(lines[-1]["msg"] if lines else "it failed without a word")
        if "executable file not found" in message or "no such file or directory" in message.lower():
            return CommandNotFound(message)
        if "permission denied" in message.lower():
            return CommandNotExecutable(message)
        return StepFailed(message)

    def kill(self) -> None:
        """End the container's process and the runtime. If the process is pid 1 of its namespace, all others in it end too."""
        for pid in (self.init, self.pid):
            if pid > 0:
                _kill(pid)
        if self.pid > 0:
            os.waitpid(self.pid, 0)
            self.pid = 0


def reachable(spec: Spec, bundle: str) -> list[Step]:
    """Return the steps after which the root of a user namespace reaches the bundle and the sources of binds by their paths.

    Only the host's root may pass ROOT, and other runtimes look for these paths from inside. So the runtime gets a mount namespace of its
    own. There a tmpfs that everybody may pass covers ROOT, and has the same objects at the same paths.
    """
    root = bundle.rpartition("/containers/")[0]
    binds = [mount["source"] for mount in spec["mounts"] if mount.get("type") == "bind"]
    sources = [bundle, *(source for source in binds if source.startswith(root + "/"))]
    numbered = list(enumerate(sources, FIRST_TREE))
    return [
        Unshare(CLONE_NEWNS),
        *(OpenTree(source, descriptor) for descriptor, source in numbered),
        Mount("tmpfs", root, "tmpfs", mounts.MS_NODEV | mounts.MS_NOSUID, "mode=711"),
        *(AttachTree(root, descriptor, source.removeprefix(root), 0) for descriptor, source in numbered),
    ]


class NetworkNamespace:
    """A network namespace for another runtime to join. It lives as long as this process or the container does."""

    __slots__ = ("_descriptor",)

    def __init__(self) -> None:
        with namespaces.Inside("/proc/self/ns/net"):
            namespaces.unshare(namespaces.CLONE_NEWNET)
            BringUpLoopback().apply()
            self._descriptor = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def joined(self, spec: Spec) -> Spec:
        """Return a spec whose container joins this namespace."""
        own: Namespace = {"type": "network", "path": self.path}
        entries = [own if entry["type"] == "network" else entry for entry in spec["linux"]["namespaces"]]
        return {**spec, "linux": {**spec["linux"], "namespaces": entries}}


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return  # init is not our child, so it may be gone already


def plain(spec: Spec, root: str) -> Spec:
    """Return a spec as every runtime reads it: the user is a number, which is looked up in the mounted root."""
    uid, gid, groups, home = resolved_user(spec, inroot.read_text(root, "/etc/passwd"), inroot.read_text(root, "/etc/group"))
    process: Process = {**spec["process"], "user": {**spec["process"]["user"], "uid": uid, "gid": gid, "additionalGids": groups}}
    process["env"] = [pair for pair in process["env"] if pair != "HOME="]
    if not any(pair.startswith("HOME=") for pair in process["env"]):
        process["env"] = [*process["env"], f"HOME={home}"]
    annotations = {k: v for k, v in spec["annotations"].items() if k not in (USER_ANNOTATION, GROUPS_ANNOTATION)}
    # The oldest version that has all that is used here. crun refuses versions that it does not know.
    return {**spec, "ociVersion": "1.0.2", "process": process, "annotations": annotations}
