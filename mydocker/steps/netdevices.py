"""Steps that give a container network devices of the host (runtime-spec config-linux.md, Network Devices)."""

from __future__ import annotations

import os
from errno import EEXIST

from mydocker.errors import BadInput, Conflict, NotFound
from mydocker.kernel import netlink
from mydocker.kernel.files import Held
from mydocker.kernel.namespaces import Inside
from mydocker.kernel.route import Route
from mydocker.steps.base import Step, command


class MoveDevice(Step):
    """Move a device into a network namespace, with its addresses, and set it up there. Undo brings it back.

    When the namespace ends, the kernel itself gives a physical device back, and removes any other.
    """

    device: str  # what it is called on the host
    name: str  # what it is called in the namespace
    namespace: str  # a path

    def apply(self) -> None:
        with Route() as route:
            index = route.index(self.device)
            if not index:
                raise NotFound(f"netDevices: the network device {self.device!r} does not exist")
            kept = [(address, prefix) for owner, address, prefix in route.addresses() if owner == index and _is_global(address)]
            self._move(route, index, self.namespace, self.name)
        with Inside(self.namespace), Route() as route:
            index = route.index(self.name)
            route.request(*(netlink.add_address(index, address, prefix) for address, prefix in kept), netlink.set_up(index))

    def undo(self) -> None:
        home = "/proc/self/ns/net"
        with Held(os.open(home, os.O_RDONLY | os.O_CLOEXEC)) as descriptor, Inside(self.namespace), Route() as route:
            index = route.index(self.name)
            if index:
                self._move(route, index, f"/proc/self/fd/{descriptor}", self.device)

    def _move(self, route: Route, index: int, namespace: str, name: str) -> None:
        with Held(os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)) as target:
            try:
                route.request(netlink.move_link(index, target, name))
            except OSError as error:
                if error.errno != EEXIST:
                    raise
                raise Conflict(f"netDevices: a network device {name!r} is there already") from error

    def describe(self) -> str:
        return f"move network device {self.device} into {self.namespace} as {self.name}"

    def shell(self) -> str:
        return command("ip", "link", "set", self.device, "netns", self.namespace, "name", self.name)


def device_steps(names: dict[str, str], namespace: str) -> list[Step]:
    """Return the steps for `linux.netDevices`. Raises BadInput for a name that no device can have, or that is given twice.

    names: the container's name of a device, by the host's name of it.
    """
    for name in [*names, *names.values()]:
        if not 0 < len(name.encode()) < 16 or name in (".", "..") or any(c in "/:" or c.isspace() for c in name):
            raise BadInput(f"netDevices: {name!r}: expected the name of a network device, up to 15 bytes")
    if len(set(names.values())) < len(names):
        raise BadInput(f"netDevices: {' '.join(names.values())}: expected each name in the container once")
    return [MoveDevice(device, name, namespace) for device, name in names.items()]


def _is_global(address: str) -> bool:
    """Say whether an address means something beyond its link. The kernel gives the others, the link-local ones, itself."""
    return not address.lower().startswith(("fe8", "fe9", "fea", "feb", "169.254."))
