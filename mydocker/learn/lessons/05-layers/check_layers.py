"""Lesson 5: a merged view with a changed file, a file that is hidden, and a directory of which nothing below counts."""

from __future__ import annotations

import os
from stat import S_ISCHR, S_ISDIR, S_ISREG

from mydocker.kernel.mounts import MountEntry
from mydocker.learn.facts import Fact, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import manual, text
from mydocker.value import Value

LOOK = text(
    "Look at all of upperdir: ls -lR upper, and the extended attribute trusted.overlay.opaque of the directories in it.",
    "看 upperdir 里的全部内容：ls -lR upper，再看其中目录的扩展属性 trusted.overlay.opaque。",
)
MANUAL = manual(
    "mount(8), xattr(7)",
    "the kernel's filesystems/overlayfs.rst (whiteouts and opaque directories)",
    "内核文档 filesystems/overlayfs.rst（whiteout 与不透明目录）",
)
NEEDS = ("overlay",)
ALSO = ("aufs",)
RUN = ("busybox", "true")
STEPS = "^(unpack|mount overlay|mount aufs) |/(upper|work|rw)$"
_OPAQUE = "trusted.overlay.opaque"
# The same marks in both, as the table in the lesson has them.
_WHITEOUTS = {"overlay": ("a character device 0, 0", "0, 0 字符设备"), "aufs": ("a file .wh.NAME", "文件 .wh.名字")}
_OPAQUES = {"overlay": _OPAQUE, "aufs": ".wh..wh..opq"}
_MARK = ".wh."
_OWN = ".wh..wh."  # aufs' own files begin with it


class Upper(Value):
    """What a writable layer has, as paths from its top."""

    changed: list[str]
    hidden: list[str]
    opaque: list[str]


def facts(scene: Scene) -> list[Fact]:
    marked = scene.marked("layers")
    if not marked:
        return [nobody("layers")]
    # The machine's own root may be such a mount, too: live systems have one, and containers.
    machines = {number for number, _ in Process(1, scene.keeper.proc).file_systems()}
    found = [
        (process, mount) for process in marked for number, mount in process.file_systems() if _is_writable(mount) and number not in machines
    ]
    merged = fact(
        bool(found),
        text("it sees an overlay (or aufs) with a writable layer", "它能看到一个带可写层的 overlay（或 aufs）"),
        text(
            "there is none among its mounts: mount -t overlay overlay -o lowerdir=...,upperdir=...,workdir=... merged",
            "它的挂载里没有：mount -t overlay overlay -o lowerdir=...,upperdir=...,workdir=... merged",
        ),
    )
    return [merged, *max((_judge(scene, *each) for each in found), key=_count)] if found else [merged]


def _is_writable(mount: MountEntry) -> bool:
    return bool((mount.fstype == "overlay" and _option(mount, "upperdir")) or (mount.fstype == "aufs" and _option(mount, "si")))


def _count(facts: list[Fact]) -> int:
    return sum(each.holds for each in facts)


def _judge(scene: Scene, process: Process, mount: MountEntry) -> list[Fact]:
    whiteout, opaque = _WHITEOUTS[mount.fstype], _OPAQUES[mount.fstype]
    top, *lowers = _branches(scene, mount) if mount.fstype == "aufs" else [_option(mount, "upperdir"), *_lower(mount)]
    read = _read_aufs if mount.fstype == "aufs" else _read
    upper = read(_found(scene, process, top), [_found(scene, process, each) for each in lowers])
    return [
        fact(
            bool(upper.changed),
            text(f"a file of a lower layer was changed{_named(upper.changed)}", f"修改了下层的一个文件{_named(upper.changed)}"),
            text(
                "the writable layer has no file that a lower one has too. Write to it through the merged view: the kernel copies it up",
                "可写层里没有与下层同名的文件。要通过合并后的目录去写，内核才会先把它复制上来",
            ),
        ),
        fact(
            bool(upper.hidden),
            text(
                f"a file of a lower layer is whited out{_named(upper.hidden)}", f"删除了下层的一个文件，留下 whiteout{_named(upper.hidden)}"
            ),
            text(
                f"the writable layer has no whiteout ({whiteout[0]}): rm in the merged view, not in the lower directory",
                f"可写层里没有 whiteout（{whiteout[1]}）：要在合并后的目录里 rm，而不是在下层目录里",
            ),
        ),
        fact(
            bool(upper.opaque),
            text(f"a directory is opaque{_named(upper.opaque)}", f"有一个目录是 opaque 的{_named(upper.opaque)}"),
            text(
                f"no directory of the writable layer has {opaque}: remove one of a lower layer, and make it again, in the merged view",
                f"可写层里没有目录带 {opaque}：在合并后的目录里，删除下层的一个目录，再建同名的",
            ),
        ),
    ]


def _named(paths: list[str]) -> str:
    return f": {paths[0]}" if paths else ""


def _option(mount: MountEntry, name: str) -> str:
    return next((word.partition("=")[2] for word in mount.super_options if word.startswith(f"{name}=")), "")


def _lower(mount: MountEntry) -> list[str]:
    """Return the lower layers. From Linux 6.8 on each can have an option of its own, lowerdir+."""
    more = [word.partition("=")[2] for word in mount.super_options if word.startswith("lowerdir+=")]
    return [*(each for each in _option(mount, "lowerdir").split(":") if each), *more]


def _branches(scene: Scene, mount: MountEntry) -> list[str]:
    """Return the branches of an aufs, the topmost first. They are too many for its options, so the kernel has them in /sys (aufs(5))."""
    directory = f"{scene.keeper.directory}/root/sys/fs/aufs/si_{_option(mount, 'si')}"
    numbers = sorted(int(name[2:]) for name in os.listdir(directory) if name[:2] == "br" and name[2:].isdigit())
    lines = []
    for number in numbers:
        with open(f"{directory}/br{number}", errors="surrogateescape") as file:
            lines.append(file.read().strip())
    return [line.rpartition("=")[0] for line in lines]


def _found(scene: Scene, process: Process, path: str) -> str:
    """Return where a directory of a mount option is. It was named from where mount was called: these are the likely places."""
    host, here = f"{scene.keeper.directory}/root", os.path.dirname(scene.work)
    places = [host, f"{host}{scene.work}", f"{process.directory}/cwd", f"{host}{here}/root/layers/overlay"]
    return next((found for place in places if os.path.isdir(found := f"{place}/{path}")), f"{host}/{path}")


def _read(upper: str, lowers: list[str]) -> Upper:
    found = Upper(changed=[], hidden=[], opaque=[])
    for above, directories, files in os.walk(upper):
        for name in (*directories, *files):
            path = os.path.relpath(os.path.join(above, name), upper)
            _sort_in(found, upper, path, [each for each in lowers if os.path.lexists(f"{each}/{path}")])
    return found


def _read_aufs(upper: str, lowers: list[str]) -> Upper:
    found = Upper(changed=[], hidden=[], opaque=[])
    for above, directories, files in os.walk(upper):
        directories[:] = [name for name in directories if not name.startswith(_OWN)]
        for name in files:
            path = os.path.relpath(os.path.join(above, name.removeprefix(_MARK)), upper)
            if name == _OPAQUES["aufs"]:
                found.opaque += [os.path.relpath(above, upper)] if _is_below(lowers, os.path.relpath(above, upper)) else []
            elif not name.startswith(_OWN) and _is_below(lowers, path):
                (found.hidden if name.startswith(_MARK) else found.changed).append(path)
    return found


def _is_below(lowers: list[str], path: str) -> bool:
    return any(os.path.lexists(f"{each}/{path}") for each in lowers)


def _sort_in(found: Upper, upper: str, path: str, lowers: list[str]) -> None:
    """Say what an entry of the writable layer does to those below it. lowers: the layers that have it too"""
    status = os.lstat(f"{upper}/{path}")
    if not lowers:
        return
    if S_ISCHR(status.st_mode) and status.st_rdev == 0:
        found.hidden.append(path)
    elif S_ISREG(status.st_mode):
        found.changed.append(path)
    elif S_ISDIR(status.st_mode) and _OPAQUE in os.listxattr(f"{upper}/{path}") and os.getxattr(f"{upper}/{path}", _OPAQUE) == b"y":
        found.opaque.append(path)
