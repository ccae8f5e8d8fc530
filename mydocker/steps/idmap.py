"""Steps that make idmapped mounts, in which files that belong to user 0 on disk belong to a mapped user.

They need Linux 5.12, and as layers of overlay 5.19.
"""

from __future__ import annotations

import os

from mydocker.errors import Unsupported
from mydocker.kernel.files import Held
from mydocker.kernel.libc import call
from mydocker.kernel.mounts import MOUNT_ATTR_IDMAP, mount_setattr, move_mount, open_tree, place
from mydocker.kernel.namespaces import CLONE_NEWUSER
from mydocker.steps.base import Step, quote
from mydocker.steps.mounts import unmounted

TYPE_CHECKING = False
if TYPE_CHECKING:
    # (first id inside, first id outside, how many), of users or of groups.
    Mapping = tuple[int, int, int]


_HINT = "idmapped mounts need Linux 5.12 and ext4, xfs, btrfs, overlay …"


class IdmapTree(Step):
    """Mount a directory on another one, with its owners mapped as a user namespace would map them."""

    source: str  # the directory that is shown
    target: str  # the mount point
    users: list[Mapping]
    groups: list[Mapping]

    def apply(self) -> None:
        with Held(_mapped_clone(self.source, self.users, self.groups, self.describe())) as tree:
            move_mount(tree, self.target)

    def undo(self) -> None:
        unmounted(self.target)

    def describe(self) -> str:
        return f"mount {quote(self.source)} on {quote(self.target)} idmapped by {_words(self.users)}"

    def shell(self) -> str:
        return f"mount --bind -o X-mount.idmap={_words(self.users)} {quote(self.source)} {quote(self.target)}  # util-linux 2.39"


class OpenMappedTree(Step):
    """Keep an idmapped clone of a mount open under a fixed descriptor, until rootfs.AttachTree puts it into the container."""

    source: str  # a path on the mount; it becomes the clone's root
    descriptor: int  # the number under which the clone is kept open
    recursive: bool  # the mounts below are cloned too
    all: bool  # the mounts below are mapped too
    users: list[Mapping]
    groups: list[Mapping]

    def apply(self) -> None:
        tree = _mapped_clone(self.source, self.users, self.groups, self.describe(), self.recursive, self.all)
        place(tree, self.descriptor)

    def describe(self) -> str:
        which = "OPEN_TREE_CLONE|AT_RECURSIVE" if self.recursive else "OPEN_TREE_CLONE"
        mapped = f"{'all of it ' if self.all else ''}idmapped by {_words(self.users)}"
        return f"open_tree {quote(self.source)} {which} as descriptor {self.descriptor}, {mapped}"


def _mapped_clone(source: str, users: list[Mapping], groups: list[Mapping], what: str, recursive: bool = False, all: bool = False) -> int:
    """Return a descriptor of a detached clone of a mount, with mapped owners.

    what: the words for it in an error.
    recursive, all: as OpenMappedTree has them.

    Raises Unsupported if the kernel or the file system cannot do that.
    """
    with Held(user_namespace(users, groups)) as namespace:
        tree = open_tree(source, recursive=recursive)
        try:
            mount_setattr(tree, MOUNT_ATTR_IDMAP, userns=namespace, recursive=all)
        except OSError as error:
            os.close(tree)
            raise Unsupported(f"{what}: {error.strerror}", _HINT) from error
    return tree


def _words(mappings: list[Mapping]) -> str:
    return ",".join(":".join(str(number) for number in mapping) for mapping in mappings)


def map_text(mappings: list[Mapping]) -> str:
    """Return mappings as /proc/PID/uid_map and gid_map take them."""
    return "\n".join(" ".join(str(number) for number in mapping) for mapping in mappings)


def user_namespace(users: list[Mapping], groups: list[Mapping]) -> int:
    """Return a descriptor of a new user namespace that has these mappings. No process is left in it."""
    ready_read, ready_write = os.pipe()
    done_read, done_write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            call("unshare", CLONE_NEWUSER)
            os.write(ready_write, b"x")
            os.close(done_write)
            os.read(done_read, 1)
        finally:
            os._exit(0)
    try:
        os.close(ready_write)
        if not os.read(ready_read, 1):
            raise Unsupported("this kernel refuses new user namespaces", "look at sysctl user.max_user_namespaces")
        for name, mappings in (("uid_map", users), ("gid_map", groups)):
            with open(f"/proc/{child}/{name}", "w") as file:
                file.write(map_text(mappings))
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for descriptor in (ready_read, done_read, done_write):
            os.close(descriptor)
        os.waitpid(child, 0)
