"""The two sides of a copy: the host, and a container, which may run or not. A child enters one of them, and finds its files from there.

A child on a container's side sees users and mounts as the container does.
"""

from __future__ import annotations

import os

from mydocker.engine.monitor import staged
from mydocker.engine.record import bundle
from mydocker.kernel import inroot
from mydocker.kernel.files import GONE, Allowing, openat2
from mydocker.kernel.mounts import MS_BIND, MS_RDONLY, MS_REMOUNT, mount
from mydocker.kernel.namespaces import CLONE_NEWNS, CLONE_NEWUSER, setns, unshare
from mydocker.runtime.mounts import mount_steps
from mydocker.steps.base import Run
from mydocker.steps.namespaces import ReceiveMounts
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Mount
    from mydocker.storage.base import StorageDriver

    Side: TypeAlias = "Host | Container"


class Host:
    """The host's side. Its paths are as the caller wrote them."""

    def enter(self) -> int:
        """Return a descriptor of the root directory."""
        return inroot.open_root("/")

    def leave(self) -> None:
        """Do what has to be done after the last change."""

    def devices(self, root: int) -> set[int] | None:
        """Return the file systems of which files are copied, or None for all."""
        return None

    def absolute(self, path: str) -> str:
        return os.path.join(os.getcwd(), path) if path and not path.startswith("/") else path

    def words(self) -> str:
        """Return words for how a child of ours gets to this side's root."""
        return "the host's root"


class Container(Value):
    """A container's side. Its paths begin at the container's root."""

    paths: Paths
    driver: StorageDriver  # mounts the root file system of a container that does not run
    record: Record
    pid: int = 0  # of its init if it runs; if not, the caller holds its lock

    def absolute(self, path: str) -> str:
        """Return a path from the root, without .. as docker's client takes them away: '/link/..' is '/'. An end of / or /. stays."""
        clean = os.path.normpath(f"/{path.lstrip('/')}").rstrip("/")
        return clean + ("/." if path.endswith("/.") or path == "." else "/" if path.endswith("/") or not clean else "")

    def words(self) -> str:
        """Return words for how a child of ours gets to this side's root."""
        if self.pid:
            return f"the container's root, {self.paths.proc}/{self.pid}/root"
        return f"the container's root, which it mounts by {self.driver.name} in a mount namespace of its own"

    def enter(self) -> int:
        """Make this process see files as the container does. Return a descriptor of the container's root."""
        return self._enter_running(f"{self.paths.proc}/{self.pid}") if self.pid else self._enter_stopped()

    def devices(self, root: int) -> set[int] | None:
        """Return those of the root and of the volumes. What else is mounted in a container, as /proc, are not its files."""
        found = {os.fstat(root).st_dev}
        for volume in (each["destination"] for each in self.record["mounts"] if each["type"] != "tmpfs"):
            with Allowing(*GONE):  # the container may have unmounted or removed it
                descriptor = openat2(volume.lstrip("/"), os.O_PATH, dirfd=root)
                found.add(os.fstat(descriptor).st_dev)
                os.close(descriptor)
        return found

    def leave(self) -> None:
        """Unmount what enter() has mounted, after the last change. A running container's root stays as it is."""
        if not self.pid:
            directory = self.paths.container(self.record["id"])
            Run("cp").execute(self.driver.unmount_steps(directory, directory + "/bundle/rootfs"))

    def _enter_running(self, process: str) -> int:
        root = inroot.open_root(process + "/root")
        # A process that joins its own user namespace gets EINVAL.
        if not os.path.samefile(process + "/ns/user", "/proc/self/ns/user"):
            setns(process + "/ns/user", CLONE_NEWUSER)
            os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        return root

    def _enter_stopped(self) -> int:
        directory = self.paths.container(self.record["id"])
        rootfs = directory + "/bundle/rootfs"
        spec = bundle.load(self.paths, self.record["id"])
        volumes = {each["destination"] for each in self.record["mounts"]}
        found = [each for each in spec["mounts"] if each["type"] != "tmpfs" and (each["destination"] in volumes or self._is_own(each))]
        shown = [_bound(each) if each["type"] == "bind" else each for each in found]
        unshare(CLONE_NEWNS)
        mounting = self.driver.mount_steps(directory, self.record["layers"], rootfs)
        mounting += staged.steps(self.record, self.driver)
        Run("cp").execute([ReceiveMounts(), *mounting, *mount_steps({**spec, "mounts": shown}, rootfs, False)])
        if self.record["hostConfig"]["ReadonlyRootfs"]:
            mount(None, rootfs, None, MS_REMOUNT | MS_BIND | MS_RDONLY)
        return inroot.open_root(rootfs)

    def _is_own(self, mount: Mount) -> bool:
        """Say whether a mount shows a file of the container's directory: /etc/hosts and its like. They are no part of what is built."""
        return mount["source"].startswith(self.paths.container(self.record["id"]) + "/") and "builder" not in self.record


def _bound(mount: Mount) -> Mount:
    """Return a bind as a copy needs it: read-only if it is for the container, and else plain."""
    return {**mount, "options": ["rbind", *(["ro"] if "ro" in mount["options"] else [])]}
