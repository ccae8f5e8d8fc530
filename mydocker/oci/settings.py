"""The settings that the flags before the verb make: where the containers' state is, and where messages go."""

from __future__ import annotations

import os
from time import localtime, strftime

from mydocker import leanjson
from mydocker.errors import BadInput
from mydocker.oci.arguments import Arguments, Flags
from mydocker.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.messages import Explanation
    from mydocker.steps.base import Observer, Step

FLAGS = Flags(
    switches="debug systemd-cgroup help version",
    values="root log log-format rootless cgroup-manager",
    short={"h": "help", "v": "version"},
)


class Settings:
    """The settings, which hold for every verb. Raises BadInput for a wrong value, and OSError if the log cannot be written."""

    __slots__ = ("root", "verb", "paths", "debug", "systemd", "cgroups", "sealed", "_log", "_json")

    def __init__(self, arguments: Arguments, sealed: bool = False) -> None:
        # Whether this interpreter was executed from a read-only view of it, see sealing.py.
        self.sealed = sealed
        self.verb = ""
        # The directory of all containers.
        self.root = os.path.abspath(arguments.value("root") or default_root())
        self.paths = Paths(root=self.root, state=self.root)
        self.debug = arguments.on("debug")  # whether each step goes to the log
        manager = _cgroup_manager(arguments)
        self.systemd = manager == "systemd"  # whether systemd makes the cgroups
        self.cgroups = manager != "disabled"  # whether new containers get any
        self._log = arguments.value("log")
        self._json = arguments.value("log-format", "text") == "json"
        if arguments.value("log-format", "text") not in ("text", "json"):
            raise BadInput(f"log format {arguments.value('log-format')!r}: expected text or json")
        if arguments.value("rootless", "auto") not in ("auto", "true", "false"):
            raise BadInput(f"--rootless {arguments.value('rootless')!r}: expected true, false or auto")
        if self._log:
            os.close(self._open_log())  # A log that cannot be written is an error before anything happens.

    def log(self, level: str, message: str) -> None:
        """Append a message to the log file. Callers read the last line of level 'error'. With --debug alone, the log is standard error."""
        if not self._log and not self.debug:
            return
        moment = strftime("%Y-%m-%dT%H:%M:%S%z", localtime())
        moment = f"{moment[:-2]}:{moment[-2:]}"
        if self._json:
            line = leanjson.compact({"level": level, "msg": message, "time": moment})
        else:
            line = f"time={leanjson.dumps(moment)} level={level} msg={leanjson.dumps(message)}"
        descriptor = self._open_log() if self._log else os.dup(2)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)

    def observer(self) -> Observer | None:
        """Return what logs each step of a run, or None without --debug."""
        return self._observe if self.debug else None

    def _observe(self, who: str, step: Step, seconds: float) -> None:
        self.log("debug", f"{who}: {step.describe()} ({seconds * 1000:.1f} ms)")

    def tell(self, told: Explanation) -> None:
        """Log a step that another process of ours has told."""
        self.log("debug", f"{told['who']}: {told['step']}")

    def _open_log(self) -> int:
        return os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def filter_cache(root: str) -> str:
    """Return the directory of the cache of compiled filters. It is not below --root, where engines take every directory for a container.

    root: the directory of all containers. What is beside it serves a user who has no other place.
    """
    if is_hosts_root():
        return Paths.from_environment().cache
    place = os.environ.get("XDG_RUNTIME_DIR")
    return f"{place}/mydocker-oci.cache" if place else f"{root}.cache"


def default_root() -> str:
    """Return /run/mydocker-oci, or for an ordinary user XDG_RUNTIME_DIR/mydocker-oci. Raises BadInput if that is not set."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if is_hosts_root() or (os.geteuid() == 0 and not runtime):
        return "/run/mydocker-oci"
    if not runtime:
        raise BadInput("XDG_RUNTIME_DIR is not set: expected --root DIRECTORY for an ordinary user")
    return f"{runtime}/mydocker-oci"


def is_hosts_root() -> bool:
    """Say whether this process is root outside of every user namespace. Rootless engines run us as the root of theirs."""
    try:
        with open("/proc/self/uid_map") as file:
            mapped = file.read().split()
    except FileNotFoundError:
        return os.geteuid() == 0  # This kernel has no user namespaces.
    return os.geteuid() == 0 and mapped == ["0", "0", str(2**32 - 1)]


def _cgroup_manager(arguments: Arguments) -> str:
    manager = arguments.value("cgroup-manager", "systemd" if arguments.on("systemd-cgroup") else "cgroupfs")
    if manager not in ("systemd", "cgroupfs", "disabled"):
        raise BadInput(f"cgroup manager {manager!r}: expected cgroupfs, systemd or disabled")
    return manager
