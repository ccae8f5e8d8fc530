"""Whiteouts: how a layer says that a name of a lower layer is deleted, and that a directory is opaque.

An opaque directory hides what the lower layers have in it. In a tar both are `.wh.` files (OCI image-spec, layer.md). On disk every
driver has its own form:

form      a deleted NAME                    an opaque directory
tar       .wh.NAME                          .wh.NAME for each NAME below (when a tar is read, .wh..wh..opq in it too)
AUFS      .wh.NAME                          .wh..wh..opq in it
OVERLAY   a character device 0:0            xattr trusted.overlay.opaque = y
PLAIN     NAME is removed                   what the directory held before this layer is removed
"""

from __future__ import annotations

import os
import stat

from mydocker import store
from mydocker.kernel.files import GONE, Allowing, Held, open_directory
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = ".wh."
OPAQUE = ".wh..wh..opq"
_RESERVED = ".wh..wh."
_XATTR = "trusted.overlay.opaque"


class Change(Value):
    """One line of a diff: what a container did to one path."""

    kind: str  # 'A' for added, 'C' for changed, 'D' for deleted
    path: str  # as the container sees it, with a slash first


class Form:
    """How one driver writes and reads whiteouts.

    A directory is given by its path, which may be that of a descriptor in /proc/self/fd. A name has no slashes.
    """

    def white_out(self, directory: str, name: str) -> None:
        """Mark a name of the lower layers as deleted."""
        raise NotImplementedError

    def make_opaque(self, directory: str, new: set[str]) -> None:
        """Mark a directory as opaque. new: the names that this layer itself has made in it."""
        raise NotImplementedError

    def deleted(self, name: str, status: os.stat_result) -> str | None:
        """Return the name that an entry marks as deleted, or None if the entry is not a whiteout."""
        return None

    def is_opaque(self, directory: str) -> bool:
        """Return whether a directory is opaque."""
        return False

    def is_own(self, name: str) -> bool:
        """Return whether an entry is bookkeeping of the file system and not a part of the layer."""
        return False


class _Overlay(Form):
    def white_out(self, directory: str, name: str) -> None:
        os.mknod(f"{directory}/{name}", stat.S_IFCHR, os.makedev(0, 0))

    def make_opaque(self, directory: str, new: set[str]) -> None:
        os.setxattr(directory, _XATTR, b"y")

    def deleted(self, name: str, status: os.stat_result) -> str | None:
        return name if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0 else None

    def is_opaque(self, directory: str) -> bool:
        try:
            return os.getxattr(directory, _XATTR, follow_symlinks=False) == b"y"
        except OSError:
            return False  # There is no such attribute, or the file system has no attributes.


class _Aufs(Form):
    def white_out(self, directory: str, name: str) -> None:
        os.close(os.open(f"{directory}/{PREFIX}{name}", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))

    def make_opaque(self, directory: str, new: set[str]) -> None:
        os.close(os.open(f"{directory}/{OPAQUE}", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))

    def deleted(self, name: str, status: os.stat_result) -> str | None:
        return name[len(PREFIX) :] if name.startswith(PREFIX) and not name.startswith(_RESERVED) else None

    def is_opaque(self, directory: str) -> bool:
        return os.path.lexists(f"{directory}/{OPAQUE}")

    def is_own(self, name: str) -> bool:
        return name.startswith(_RESERVED)


class _Plain(Form):
    def white_out(self, directory: str, name: str) -> None:
        store.remove_tree(f"{directory}/{name}")

    def make_opaque(self, directory: str, new: set[str]) -> None:
        for name in os.listdir(directory):
            if name not in new:
                store.remove_tree(f"{directory}/{name}")


OVERLAY, AUFS, PLAIN = _Overlay(), _Aufs(), _Plain()
# Storage driver → the form that its layers have.
FORMS = {"overlay": OVERLAY, "aufs": AUFS, "vfs": PLAIN}


def union_changes(form: Form, upper: str, layers: list[str]) -> list[Change]:
    """Return the changes that a writable layer makes to the layers below it, sorted by path. layers: their directories, topmost first."""
    found: list[Change] = []
    _collect(form, open_directory(upper), "", layers, found)
    return sorted(found, key=lambda change: change.path)


def _collect(form: Form, directory: int, path: str, layers: list[str], found: list[Change]) -> None:
    """Add the changes in a directory and below it. directory: a descriptor, which is closed in the end."""
    with Held(directory):
        for name in os.listdir(directory):
            if not form.is_own(name):
                with Allowing(*GONE):
                    _collect_entry(form, directory, path, name, layers, found)


def _collect_entry(form: Form, directory: int, path: str, name: str, layers: list[str], found: list[Change]) -> None:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    gone = form.deleted(name, status)
    if gone:
        found.append(Change(kind="D", path=f"{path}/{gone}"))
        return
    where = f"{path}/{name}"
    found.append(Change(kind="C" if first_to_tell(form, where, layers) else "A", path=where))
    if stat.S_ISDIR(status.st_mode):
        _collect(form, open_directory(name, directory), where, layers, found)


def first_to_tell(form: Form, path: str, layers: list[str]) -> str:
    """Return the layer whose entry the union of some layers shows at a path, or '' if there is none.

    layers: their directories, topmost first.
    """
    for layer in layers:
        verdict = _in_layer(form, layer, path)
        if verdict is not None:
            return layer if verdict else ""
    return ""


def _in_layer(form: Form, layer: str, path: str) -> bool | None:
    """Return whether the union has something at a path, or None if this layer leaves that to the layers below it."""
    directory = layer
    for name in path.strip("/").split("/"):
        if os.path.lexists(f"{directory}/{PREFIX}{name}") and isinstance(form, _Aufs):
            return False
        try:
            status = os.lstat(f"{directory}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            return False if form.is_opaque(directory) else None
        if form.deleted(name, status):
            return False
        directory = f"{directory}/{name}"
    return True


def names_below(form: Form, path: str, layers: Iterable[str]) -> set[str]:
    """Return the names that the union of some layers has in a directory, none if it has no such directory.

    layers: their directories, topmost first.
    """
    found: set[str] = set()
    hidden: set[str] = set()
    for layer in layers:
        directory, covers = _directory_of(form, layer, path)
        for name in os.listdir(directory) if directory else ():
            gone = form.deleted(name, os.lstat(f"{directory}/{name}"))
            if not gone and not form.is_own(name) and name not in hidden:
                found.add(name)
            hidden.add(gone or name)
        if covers:
            break
    return found


def _directory_of(form: Form, layer: str, path: str) -> tuple[str, bool]:
    """Return the path of a directory in one layer, or '' if the layer has none, and whether that layer hides those of the layers below."""
    directory, covers = layer, False
    for name in path.strip("/").split("/") if path.strip("/") else ():
        if _in_layer(form, directory, name) is False:
            return "", True
        directory = f"{directory}/{name}"
        if not os.path.lexists(directory):
            return "", covers
        if not os.path.isdir(directory) or os.path.islink(directory):
            return "", True
        covers = covers or form.is_opaque(directory)
    return directory, covers
