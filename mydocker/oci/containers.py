"""The containers below one --root, and what is true about each of them.

    ROOT/ID/state.json     the record, RECORD below; without it, create had hardly begun
    ROOT/ID/config.json    config.json as it was at create, completed, because a bundle may change afterwards
    ROOT/ID/lock           flock, held by whoever changes the container; a create holds it from its beginning to its end
    ROOT/ID/exec.fifo      there until the start; see gate.py

A process is its pid and its start time. So a record can be out of date, but it is never believed.
"""

from __future__ import annotations

import os
from fcntl import LOCK_EX, LOCK_NB, flock

from mydocker import store
from mydocker.errors import BadInput, Conflict, NotFound
from mydocker.kernel import tasks
from mydocker.oci import gate
from mydocker.oci.verbs import SPECIFICATION
from mydocker.shape import fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    from mydocker.cgroups.layout import Layout
    from mydocker.cgroups.manager import CgroupManager
    from mydocker.messages import State
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Spec
    from mydocker.shape import Shape

    class Record(TypedDict):
        """The document ROOT/ID/state.json. Its fields are explained at RECORD."""

        pid: int
        started: int | None
        bundle: str
        rootfs: str
        annotations: dict[str, str]
        created: str
        cgroup: str
        freezer: str
        systemd: bool
        uid: int
        whole: bool


RECORD: Shape = {
    "pid": ("natural", 0),  # of the first process; 0 before it is forked
    "started": ("natural", None),  # the start time of that process, see kernel/tasks.py
    "bundle": ("text", ""),  # the absolute path; '' in the record of a container whose create had hardly begun
    "rootfs": ("text", ""),  # the absolute path of the root file system
    "annotations": ({"*": "text"}, {}),  # those of config.json
    "created": ("text", ""),  # RFC 3339
    "cgroup": ("text", ""),  # the path of its cgroups below each hierarchy's mount point; '' if it has none of its own
    "freezer": ("text", ""),  # the file that says whether the cgroup is frozen; '' if there is none
    "systemd": ("truth", False),  # whether systemd made the cgroup
    "uid": ("natural", 0),  # the user who made the container
    "whole": ("truth", False),  # whether create came to its end
}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")


class Container:
    """One container: its id, its record, and what can be asked about it."""

    __slots__ = ("settings", "id", "record", "_layout")

    def __init__(self, settings: Settings, container_id: str) -> None:
        self.settings = settings
        self.id = checked_id(container_id)
        self.record = blank()
        self._layout: Layout | None = None

    @property
    def directory(self) -> str:
        return f"{self.settings.root}/{self.id}"

    @property
    def layout(self) -> Layout:
        if self._layout is None:
            from mydocker.cgroups.layout import Layout

            self._layout = Layout.detect(self.settings.paths)
        return self._layout

    def cgroup(self) -> CgroupManager:
        """Return the manager of the container's cgroups. The container must have some."""
        from mydocker.cgroups.manager import manager

        return manager(self.layout, self.record["cgroup"])

    @property
    def spec(self) -> Spec:
        from mydocker.runtime.spec import SPEC  # The verb `state` does not need this import.

        spec: Spec = store.read_document(f"{self.directory}/config.json", SPEC)
        return spec

    @property
    def pid(self) -> int:
        """The pid of the first process, or 0 if that has ended."""
        pid = self.record["pid"]
        return pid if tasks.is_alive(pid, self.record["started"]) else 0

    def status(self) -> str:
        """Return the specification's 'creating', 'created', 'running' or 'stopped', or runc's 'paused'."""
        if not self.record["whole"]:
            return "creating" if is_locked(f"{self.directory}/lock") else "stopped"
        if not self.pid:
            return "stopped"
        if self.is_frozen():
            return "paused"
        return "created" if gate.is_closed(self.directory) else "running"

    def is_frozen(self) -> bool:
        """Return whether somebody has frozen the processes.

        This reads one file instead of finding all cgroups of the host, because the verb `state` is called again and again.
        """
        return says_frozen(self.record["freezer"])

    def state(self, status: str = "") -> State:
        """Return the state as the specification has it (runtime.md, State). status: the one to tell instead of the true one."""
        return {
            "ociVersion": SPECIFICATION,
            "id": self.id,
            "pid": self.pid,
            "status": status or self.status(),
            "bundle": self.record["bundle"],
            "annotations": self.record["annotations"],
        }

    def save(self) -> None:
        """Write the record to disk."""
        store.write_json(f"{self.directory}/state.json", self.record, 0o600, sync=False)


def blank() -> Record:
    """Return the record of a container whose create has hardly begun: all fields have their defaults."""
    record: Any = {}
    fit(record, RECORD)
    found: Record = record
    return found


def checked_id(text: str) -> str:
    """Return a container's id as it is. Raises BadInput for a text that cannot be the name of its directory."""
    if not text or text in (".", "..") or not set(text) <= _LETTERS or len(text) > 255:
        raise BadInput(f"invalid container id {text!r}: expected letters, digits, '_', '+', '-' and '.'")
    return text


def load(settings: Settings, container_id: str) -> Container:
    """Return a container. Its record is blank if its create has not yet written one.

    Raises BadInput for an impossible id, NotFound if there is no such container, and Damaged if its record is not readable.
    """
    container = Container(settings, container_id)
    if not os.path.isdir(container.directory):
        raise NotFound(f"container does not exist: {container_id!r}")
    try:
        container.record = store.read_document(f"{container.directory}/state.json", RECORD)
    except FileNotFoundError:
        container.record = blank()
    return container


def running(settings: Settings, container_id: str) -> Container:
    """Return a container whose first process exists, whether its program was started or not.

    Raises Conflict if that process has ended or create has not come to its end, and what load() raises.
    """
    container = load(settings, container_id)
    if not container.pid or not container.record["whole"]:
        raise Conflict(f"container not running: {container_id!r}")
    return container


def everyone(settings: Settings) -> list[Container]:
    """Return all containers in the order of their ids. A container that is deleted meanwhile is left out. Raises Damaged."""
    found = []
    for name in sorted(os.listdir(settings.root)) if os.path.isdir(settings.root) else []:
        if set(name) <= _LETTERS and os.path.exists(f"{settings.root}/{name}/lock"):
            try:
                found.append(load(settings, name))
            except NotFound:
                continue
    return found


def says_frozen(path: str) -> bool:
    """Return whether a file says that its cgroup is frozen, see cgroup.freezer_file(). path: the file, or '' for none."""
    try:
        with open(path or "/dev/null") as file:
            return file.read().strip() in ("FROZEN", "FREEZING", "1")
    except FileNotFoundError:
        return False  # The cgroup is gone.


def is_locked(path: str) -> bool:
    """Return whether somebody holds a lock."""
    try:
        with store.Lock(path, wait=False):
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def claim(container: Container) -> int:
    """Make a container's directory, take its lock, and return the lock's descriptor. Raises Conflict if the id is taken."""
    os.makedirs(container.settings.root, mode=0o711, exist_ok=True)
    try:
        os.mkdir(container.directory, 0o711)
    except FileExistsError as error:
        raise Conflict(f"container with given ID already exists: {container.id!r}") from error
    lock = os.open(f"{container.directory}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    flock(lock, LOCK_EX | LOCK_NB)
    return lock
