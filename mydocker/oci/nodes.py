"""Device nodes for a container with a user namespace, where mknod(2) is forbidden.

A child makes them with their owners and modes on a tmpfs in a mount namespace of its own, and the container gets them as binds that are
opened there. So nothing is ever mounted on the host, whoever dies in between.

    with made(spec, place) as changed:      the child has made the nodes, and waits
        … early_trees(changed) …            each is opened by /proc/CHILD/root/PLACE/NUMBER
                                            the child ends, and with it the tmpfs; the binds stay
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from mydocker.errors import BadInput, Error, StepFailed
from mydocker.kernel import mounts
from mydocker.kernel.namespaces import CLONE_NEWNS
from mydocker.runtime.users import mappings
from mydocker.steps.base import Run
from mydocker.steps.mounts import Mount
from mydocker.steps.namespaces import Unshare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mydocker.runtime.spec import Device, Spec
    from mydocker.runtime.spec import Mount as Bind

_KINDS = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK}


@contextmanager
def made(spec: Spec, place: str) -> Iterator[Spec]:
    """Make the devices of config.json, and give config.json with binds in their place. They can be opened until the end of the block.

    spec: it must have a new user namespace.
    place: a directory on which the child mounts, in its own mount namespace.

    Raises BadInput for an owner that no id of the host stands for, and StepFailed if a node cannot be made.
    """
    devices = [device for device in spec["linux"]["devices"] if device["type"] in _KINDS]
    owners = [_owner(spec, device) for device in devices]
    ours, theirs = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _make_and_wait(devices, owners, place, report=theirs[1], until=ours[0], unused=(ours[1], theirs[0]))
    os.close(theirs[1])
    os.close(ours[0])
    try:
        with open(theirs[0], "rb") as report:
            if (said := report.readline()) != b"made\n":
                raise StepFailed(said.decode(errors="replace").strip() or "the process that makes devices ended early")
        yield _with_binds(spec, devices, f"/proc/{child}/root{place}")
    finally:
        os.close(ours[1])
        os.waitpid(child, 0)


def _owner(spec: Spec, device: Device) -> tuple[int, int]:
    """Return the user and the group on the host that own a device."""
    found = []
    for kind, wanted, mapped in zip(("uid", "gid"), (device.get("uid", 0), device.get("gid", 0)), mappings(spec["linux"]), strict=True):
        outside = [first + wanted - inside for inside, first, size in mapped if inside <= wanted < inside + size]
        if not outside:
            raise BadInput(f"device {device['path']!r} of {kind} {wanted}: expected one that {kind}Mappings maps")
        found.append(outside[0])
    return found[0], found[1]


def _with_binds(spec: Spec, devices: list[Device], place: str) -> Spec:
    others = [device for device in spec["linux"]["devices"] if device not in devices]
    binds: list[Bind] = [
        {"destination": device["path"], "type": "bind", "source": f"{place}/{number}", "options": ["bind"]}
        for number, device in enumerate(devices)
    ]
    return {**spec, "mounts": [*spec["mounts"], *binds], "linux": {**spec["linux"], "devices": others}}


def _make_and_wait(
    devices: list[Device], owners: list[tuple[int, int]], place: str, report: int, until: int, unused: tuple[int, int]
) -> None:
    """Make the nodes, say 'made' or what has failed, and end when nobody needs them any more. This never returns.

    report: the descriptor to say it to.
    until: the descriptor of a pipe whose other end the parent closes.
    unused: the parent's ends, which this process has too.
    """
    try:
        for descriptor in unused:
            os.close(descriptor)
        private = Mount("", "/", flags=mounts.MS_PRIVATE | mounts.MS_REC)
        Run("devices").execute([Unshare(CLONE_NEWNS), private, Mount("tmpfs", place, "tmpfs", data="mode=755")])
        for number, (device, owner) in enumerate(zip(devices, owners, strict=True)):
            _make(f"{place}/{number}", device, owner)
        os.write(report, b"made\n")
        os.read(until, 1)
    except (OSError, Error) as error:
        os.write(report, f"devices: {getattr(error, 'message', '') or error}\n".encode())
    finally:
        os._exit(0)


def _make(path: str, device: Device, owner: tuple[int, int]) -> None:
    mode = device.get("fileMode", 0o666)
    os.mknod(path, _KINDS[device["type"]] | mode, os.makedev(device.get("major", 0), device.get("minor", 0)))
    os.chmod(path, mode)
    os.chown(path, *owner)
