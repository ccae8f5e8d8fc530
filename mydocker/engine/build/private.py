"""A mount namespace of the build's own, for what RUN --mount shows.

Monitors are started from inside of it, so they find what is mounted here. On the host nothing of it can be seen, and the kernel unmounts
it with the last process of the build. In it is a tmpfs for what must not lie on a disk.
"""

from __future__ import annotations

import os
import stat

from mydocker.errors import NotFound
from mydocker.kernel import inroot, mounts
from mydocker.kernel.files import openat2
from mydocker.kernel.namespaces import CLONE_NEWNS
from mydocker.steps.base import Run
from mydocker.steps.files import MakeDir
from mydocker.steps.mounts import Mount, unmounted
from mydocker.steps.namespaces import ReceiveMounts, Unshare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import ExitStack

    from mydocker.engine.build.workplace import Workplace


class PrivateMounts:
    """What is mounted in the build's own mount namespace, from the first enter() on.

    directory: does not exist yet
    run: executes the steps
    """

    def __init__(self, directory: str, run: Run) -> None:
        self.directory = directory
        self.run = run
        self._entered = False
        self._made = 0

    def enter(self) -> None:
        """Move this process into the namespace, unless it is there already."""
        if self._entered:
            return
        before = os.getcwd()
        memory = Mount("tmpfs", self.directory, "tmpfs", mounts.MS_NOSUID | mounts.MS_NODEV, "mode=700")
        self.run.execute([Unshare(CLONE_NEWNS), ReceiveMounts(), MakeDir(self.directory, 0o700), memory])
        os.chdir(before)  # In a chroot, the first of these steps leave it.
        self._entered = True

    def leave(self) -> None:
        """Unmount the tmpfs. All that was bound in it is unmounted by then, or goes with it."""
        if self._entered:
            unmounted(self.directory)
            os.rmdir(self.directory)

    def new(self) -> str:
        """Return a path in the tmpfs that nothing has yet."""
        self._made += 1
        return f"{self.directory}/{self._made}"

    def file(self, content: bytes, mode: int, uid: int, gid: int) -> str:
        """Write a file into memory, and return its path."""
        path = self.new()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, mode)
        return path

    def shown(self, root: int, path: str, stack: ExitStack) -> str:
        """Bind what lies at a path of a root, and return the path where it is bound. Raises NotFound.

        It is looked up once, inside the root, and bound by its descriptor: no symlink leads out, and nobody can put one in its place
        between the look-up and the mount (CVE-2024-23651, CVE-2024-1753, CVE-2024-9675).
        """
        try:
            descriptor = openat2(path.lstrip("/") or ".", os.O_PATH, dirfd=root)
        except OSError as error:
            raise NotFound(f"no such file or directory: {path}") from error
        place = self.new()
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                os.mkdir(place)
            else:
                os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self.run.apply(Mount(inroot.by_descriptor(descriptor), place, flags=mounts.MS_BIND))
        finally:
            os.close(descriptor)
        stack.callback(unmounted, place)
        return place

    def root_of(self, place: Workplace, stack: ExitStack) -> int:
        """Mount a container's root file system, and return a descriptor of its root. The stack unmounts it."""
        container = place.container()
        directory = container.paths.container(place.id)
        rootfs = f"{directory}/bundle/rootfs"
        stack.callback(unmounted, rootfs)
        self.run.execute(container.driver.mount_steps(directory, container.record["layers"], rootfs))
        root = inroot.open_root(rootfs)
        stack.callback(os.close, root)
        return root
