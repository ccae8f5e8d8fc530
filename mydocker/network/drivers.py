"""The network drivers. base.py says what a driver does.

bridge    a bridge on the host, with NAT to the world (bridge.py)
vxlan     the same, and one port of the bridge is a tunnel to the bridges of other hosts (bridge.py)
macvlan   an interface with a MAC address of its own on the wire of one of the host's interfaces (below)
ipvlan    the same, with the MAC address of the host's interface
none      no interface at all
cni       what a chain of CNI plugins makes (cni.py)
"""

from __future__ import annotations

from errno import EADDRINUSE
from time import monotonic, sleep

from mydocker.errors import BadInput
from mydocker.network.base import NetworkDriver, configure
from mydocker.steps.interfaces import SetUp
from mydocker.steps.links import AddChild

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Endpoint
    from mydocker.network.records import Network
    from mydocker.paths import Paths
    from mydocker.steps.base import Step

NAMES = ("bridge", "vxlan", "macvlan", "ipvlan", "none", "cni")


# So long the kernel may take to remove a network namespace that has ended.
_REMOVAL_SECONDS = 5


class SetUpChild(SetUp):
    """Set an interface up whose MAC address the container's last run had, too: the kernel removes that one's namespace a little later."""

    def apply(self) -> None:
        deadline = monotonic() + _REMOVAL_SECONDS
        while True:
            try:
                return super().apply()
            except OSError as error:
                if error.errno != EADDRINUSE or monotonic() >= deadline:
                    raise
            sleep(0.02)


class ChildDriver(NetworkDriver):
    """The drivers macvlan and ipvlan: the container has an interface of its own on the wire of one of the host's interfaces."""

    options = ("parent", "mode")

    def check(self, network: Network) -> None:
        super().check(network)
        if "parent" not in network["options"]:
            raise BadInput(f"a {network['driver']} network needs --opt parent=INTERFACE, one of the host's")
        mode = "bridge" if network["driver"] == "macvlan" else "l2"
        if network["options"].get("mode", mode) != mode:
            raise BadInput(f"invalid mode {network['options']['mode']!r} of a {network['driver']} network: expected {mode}")
        network["interface"] = network["options"]["parent"]

    def connect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        made = AddChild(endpoint["interface"], network["driver"], network["interface"], namespace, endpoint["mac"])
        return [made, *configure(endpoint, namespace, SetUpChild)]


class NoneDriver(NetworkDriver):
    """The driver of a network without anything: the container has only lo."""

    has_addresses = False

    def disconnect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        return []


def driver(name: str, paths: Paths) -> NetworkDriver:
    """Return the driver of that name. Raises BadInput if there is none."""
    if name in ("bridge", "vxlan"):
        from mydocker.network.bridge import BridgeDriver, VxlanDriver

        return BridgeDriver(paths) if name == "bridge" else VxlanDriver(paths)
    if name == "cni":
        from mydocker.network.cni import CniDriver

        return CniDriver(paths)
    if name in ("macvlan", "ipvlan"):
        return ChildDriver(paths)
    if name in ("none", "null"):
        return NoneDriver(paths)
    raise BadInput(f"unknown network driver {name!r}: expected {', '.join(NAMES)}")
