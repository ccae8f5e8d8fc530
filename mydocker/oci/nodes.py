"""Device nodes for a container with a user namespace, where mknod(2) is forbidden.

A child makes them with their owners and modes on a tmpfs in a mount namespace of its own, and the container gets them as binds that are
opened there. So nothing is ever mounted on the host, whoever dies in between.

    with DeviceNodes(spec, place) as nodes:     the child has made the nodes, and waits
        … early_trees(nodes.spec) …             each is opened by /proc/CHILD/root/PLACE/NUMBER
                                                the child ends, and with it the tmpfs; the binds stay
"""

from __future__ import annotations

import os
import stat

from mydocker.errors import Error, StepFailed
from mydocker.kernel import mounts
from mydocker.kernel.namespaces import CLONE_NEWNS
from mydocker.runtime.users import mappings
from mydocker.steps.base import Run
from mydocker.steps.mounts import Mount
from mydocker.steps.namespaces import Unshare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from mydocker.runtime.spec import Device, Spec
    from mydocker.runtime.spec import Mount as Bind

_KINDS = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK}


class DeviceNodes:
    """The nodes of config.json's devices. They can be opened inside the `with` block.

    spec: config.json, with a new user namespace; afterwards that with binds in the devices' place.
    place: a directory on which the child mounts, in its own mount namespace.

    A device with an owner that no id of the host stands for stays as it is, to be bound from the host: podman names the owner that the
    host's node has. Entering raises StepFailed if a node cannot be made.
    """

    __slots__ = ("spec", "_place", "_child", "_until")

    def __init__(self, spec: Spec, place: str) -> None:
        self.spec = spec
        self._place = place

    def __enter__(self) -> DeviceNodes:
        found = [(device, _owner(self.spec, device)) for device in self.spec["linux"]["devices"] if device["type"] in _KINDS]
        owned = [(device, owner) for device, owner in found if owner]
        (reports, report), (until, self._until) = os.pipe(), os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(reports)
            os.close(self._until)
            _make_and_wait(owned, self._place, report, until)
        os.close(report)
        os.close(until)
        with open(reports, "rb") as file:
            said = file.readline()
        if said != b"made\n":
            self.__exit__()
            raise StepFailed(said.decode(errors="replace").strip() or "the process that makes devices ended early")
        self.spec = _with_binds(self.spec, [device for device, _ in owned], f"/proc/{self._child}/root{self._place}")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._until)
        os.waitpid(self._child, 0)


def _owner(spec: Spec, device: Device) -> tuple[int, int] | None:
    """Return the user and the group on the host that own a device, or None if one of them is not mapped."""
    found = []
    for wanted, mapped in zip((device.get("uid", 0), device.get("gid", 0)), mappings(spec["linux"]), strict=True):
        outside = [first + wanted - inside for inside, first, size in mapped if inside <= wanted < inside + size]
        if not outside:
            return None
        found.append(outside[0])
    return found[0], found[1]


def _with_binds(spec: Spec, devices: list[Device], place: str) -> Spec:
    others = [device for device in spec["linux"]["devices"] if device not in devices]
    binds: list[Bind] = [
        {"destination": device["path"], "type": "bind", "source": f"{place}/{number}", "options": ["bind"]}
        for number, device in enumerate(devices)
    ]
    return {**spec, "mounts": [*spec["mounts"], *binds], "linux": {**spec["linux"], "devices": others}}


def _make_and_wait(owned: list[tuple[Device, tuple[int, int]]], place: str, report: int, until: int) -> NoReturn:
    """Make the nodes, say 'made' or what has failed, and end when nobody needs them any more. This never returns.

    report: the descriptor to say it to.
    until: the descriptor of a pipe whose other end the parent closes.
    """
    try:
        private = Mount("", "/", flags=mounts.MS_PRIVATE | mounts.MS_REC)
        Run("devices").execute([Unshare(CLONE_NEWNS), private, Mount("tmpfs", place, "tmpfs", data="mode=755")])
        for number, (device, owner) in enumerate(owned):
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
