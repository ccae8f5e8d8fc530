"""The drivers bridge and vxlan.

bridge makes a bridge (a switch) on the host. vxlan makes one too, and a tunnel that joins it to the bridges of other hosts.
"""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.kernel.programs import find
from mydocker.kernel.route import Route
from mydocker.network import firewall, nft, records
from mydocker.network.addresses import parse
from mydocker.network.base import NetworkDriver, configure
from mydocker.network.forwarding import EnableForwarding, accept_steps, read, remove_accepts, restore_sysctls
from mydocker.steps.base import Action, Step
from mydocker.steps.interfaces import AddAddress, SetHairpin, SetLinkSysctl, SetUp
from mydocker.steps.links import AddForwarding, AddPair, DeleteLink, add_bridge, add_vxlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Endpoint, Published
    from mydocker.network.records import Network
    from mydocker.paths import Paths

_OPTIONS = ("name", "mtu", "masquerade")
# Docker's names for these options.
DOCKER_OPTIONS = {
    "com.docker.network.bridge.name": "name",
    "com.docker.network.driver.mtu": "mtu",
    "com.docker.network.bridge.enable_ip_masquerade": "masquerade",
}
_VXLAN_OVERHEAD = 50  # bytes of each packet
_VXLAN_PORT = 4789  # RFC 7348


class BridgeDriver(NetworkDriver):
    """The driver of a network with a bridge, whose address is the gateway of the containers."""

    options: tuple[str, ...] = _OPTIONS
    publishes = True

    @property
    def table(self) -> str:
        return nft.table_name(self.paths.root)

    def truth(self) -> tuple[list[Network], list[Published]]:
        """Return the networks and the published ports that the rules must follow (firewall.Truth)."""
        from mydocker.network.attachments import published

        return bridged(self.paths), published(self.paths)

    def check(self, network: Network) -> None:
        network["options"] = {DOCKER_OPTIONS.get(key, key): value for key, value in network["options"].items()}
        super().check(network)
        name, mtu = network["options"].get("name", network["interface"]), network["options"].get("mtu", "1500")
        if not name or len(name) > 15 or any(c.isspace() or c in "/:" for c in name) or name in (".", ".."):
            raise BadInput(f"invalid bridge name {name!r}: expected an interface name of at most 15 characters")
        if not mtu.isdecimal() or not 68 <= int(mtu) <= 65535:
            raise BadInput(f"invalid mtu {mtu!r}: expected a number of bytes from 68 to 65535")
        if network["options"].get("masquerade", "true") not in ("true", "false"):
            raise BadInput(f"invalid masquerade {network['options']['masquerade']!r}: expected true or false")
        network["interface"] = name

    def alias(self, network: Network) -> str:
        """Return the alias that says that a link belongs to this network."""
        return f"mydocker {self.paths.root} {network['name']}"[:250]

    def create(self, network: Network) -> list[Step]:
        steps = [] if self._is_there(network["interface"]) else self._link_steps(network)
        missing = [family for family in sorted(forwarded([network])) if not self._forwards(family)]
        steps += [EnableForwarding(self.paths.proc, self.paths.addresses, family) for family in missing]
        is_new = bool(steps) or not self._has_rules(network)
        # Where iptables has our rules, its jump to them goes before these, which would let in everything.
        steps += accept_steps(network["interface"], self.paths.proc)
        return [*steps, firewall.WriteRules(self.table, network, self.truth)] if is_new else steps

    def _forwards(self, family: int) -> bool:
        return read(f"{self.paths.proc}/sys/net/" + ("ipv4/ip_forward" if family == 4 else "ipv6/conf/all/forwarding")) != "0"

    def _has_rules(self, network: Network) -> bool:
        """Say whether our rules are there. If only root may ask, they are to be written: the step tells it to a user, and fails for one."""
        program = find("iptables")
        try:
            return firewall.has_table(self.table) or bool(program and firewall.iptables_has(program, self.table))
        except PermissionError:
            return False

    @staticmethod
    def _is_there(name: str) -> bool:
        with Route() as route:
            return bool(route.index(name))

    def _link_steps(self, network: Network) -> list[Step]:
        name = network["interface"]
        has_ipv6 = records.of_family(network, ":") is not None
        steps: list[Step] = [
            add_bridge(name, self.alias(network), mac_of(network["id"]), self._mtu(network)),
            *(self._ipv6_steps(name) if has_ipv6 else [SetLinkSysctl(name, "ipv6", "disable_ipv6", "1")]),
        ]
        if not network["internal"]:
            steps += [
                AddAddress(name, each["gateway"], int(each["subnet"].partition("/")[2])) for each in network["subnets"] if each["gateway"]
            ]
        return steps

    @staticmethod
    def _ipv6_steps(name: str) -> list[Step]:
        return [
            # A router that a container advertises must not become the host's router (CVE-2020-13401).
            SetLinkSysctl(name, "ipv6", "accept_ra", "0"),
            # Nobody else can have the bridge's link-local address. While the kernel asks, for two seconds, the host reaches no neighbour.
            SetLinkSysctl(name, "ipv6", "accept_dad", "0"),
        ]

    def _mtu(self, network: Network) -> int:
        return int(network["options"].get("mtu", "0"))

    def delete(self, network: Network) -> list[Step]:
        name, proc = network["interface"], self.paths.proc
        return [
            Action(lambda: remove_accepts(name, proc), f"remove the rules for {name} from others' forward chains"),
            DeleteLink(name),
            Action(lambda: self._forget_rules(network), f"remove the rules of {name}"),
        ]

    def _forget_rules(self, network: Network) -> None:
        networks = [each for each in bridged(self.paths) if each["name"] != network["name"]]
        if networks:
            firewall.write_all(self.table, networks, self.truth()[1])
        else:
            firewall.remove_all(self.table)
        restore_sysctls(self.paths.proc, self.paths.addresses, forwarded(networks))

    def connect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        pair = AddPair(endpoint["link"], network["interface"], endpoint["interface"], namespace, endpoint["mac"], self._mtu(network))
        return [pair, *configure(endpoint, namespace)]

    def disconnect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        # The kernel would remove the link with the namespace of its other end, but a process may keep that namespace alive.
        return [DeleteLink(endpoint["link"])]

    def publish(self, network: Network, published: list[Published], link: str) -> list[Step]:
        if not published or network["internal"]:
            return []
        path = f"{self.paths.proc}/sys/net/ipv4/conf/{network['interface']}/route_localnet"
        local = [SetLinkSysctl(network["interface"], "ipv4", "route_localnet", "1")] if read(path) != "1" else []
        return [*local, SetHairpin(link), firewall.PublishPorts(self.table, published, self.truth)]

    def withdraw(self, published: list[Published]) -> None:
        """Take published ports out of the rules."""
        if published:
            firewall.withdraw(self.table, published, self.truth)


class VxlanDriver(BridgeDriver):
    """The driver of a bridge that is joined to the bridges of other hosts.

    A vxlan tunnel is one of the bridge's ports. Its peers, the other hosts, are given as an option.
    """

    options = (*_OPTIONS, "vni", "peers", "port", "local")

    def check(self, network: Network) -> None:
        super().check(network)
        options = network["options"]
        vni, port = options.get("vni", ""), options.get("port", str(_VXLAN_PORT))
        if not vni.isdecimal() or not 1 <= int(vni) < 1 << 24:
            raise BadInput(
                f"invalid vni {vni!r}: a vxlan network needs --opt vni=NUMBER, from 1 to {(1 << 24) - 1}, the same on every host"
            )
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise BadInput(f"invalid port {port!r}: expected a UDP port from 1 to 65535")
        for peer in peers(network):
            parse(peer)
        if not peers(network):
            raise BadInput("a vxlan network needs --opt peers=ADDRESS[,ADDRESS...], the other hosts'")
        if options.get("local"):
            parse(options["local"])

    @staticmethod
    def tunnel(network: Network) -> str:
        """Return the name of the tunnel's interface on this host."""
        return "mx" + network["id"][:10]

    def _mtu(self, network: Network) -> int:
        return super()._mtu(network) or 1500 - _VXLAN_OVERHEAD

    def _link_steps(self, network: Network) -> list[Step]:
        options, name = network["options"], self.tunnel(network)
        port = int(options.get("port", _VXLAN_PORT))
        made = add_vxlan(name, int(options["vni"]), port, network["interface"], options.get("local", ""), self.alias(network))
        return [*super()._link_steps(network), made, *(AddForwarding(name, peer) for peer in peers(network)), SetUp(name)]

    def delete(self, network: Network) -> list[Step]:
        return [DeleteLink(self.tunnel(network)), *super().delete(network)]


def mac_of(identity: str) -> str:
    """Return the MAC address of a network's bridge. It is locally administered, and always the same for one network id."""
    return "02:42:" + ":".join(identity[place : place + 2] for place in range(0, 8, 2))


def forwarded(networks: list[Network]) -> set[int]:
    """Return the families, 4 and 6, whose packets the kernel must forward for these networks."""
    return {6 if ":" in each["subnet"] else 4 for network in networks if not network["internal"] for each in network["subnets"]}


def peers(network: Network) -> list[str]:
    """Return the addresses of the other hosts of a vxlan network."""
    return [peer for peer in network["options"].get("peers", "").split(",") if peer]


def bridged(paths: Paths) -> list[Network]:
    """Return the records of all networks that have a bridge on this host."""
    return [network for network in records.every(paths) if network["driver"] in ("bridge", "vxlan")]
