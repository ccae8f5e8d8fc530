"""Whether a container's networks have what it asks of them. It is checked before anything happens."""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.network import default, records
from mydocker.network.drivers import driver
from mydocker.network.ipam import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record, WantedEndpoint
    from mydocker.network.records import Network
    from mydocker.paths import Paths


def check(paths: Paths, record: Record, late: bool = False) -> None:
    """Check that a container's networks exist and have what its record asks of them. Raises NotFound, BadInput or Conflict.

    late: whether a network may be missing until the container starts; then its start checks it
    """
    names = [name for name in record["endpoints"] if not late or name == records.DEFAULT or name in records.names(paths)]
    networks = [default.network(paths) if name == records.DEFAULT else records.load(paths, name) for name in names]
    for network in networks:
        check_endpoint(paths, network, record["endpoints"][network["name"]])
    if record["ports"] and networks:
        _check_ports(paths, networks)


def check_endpoint(paths: Paths, network: Network, wanted: WantedEndpoint) -> None:
    """Check that a network has what is asked of it. Raises BadInput or Conflict."""
    for address, mark in ((wanted["ip"], "."), (wanted["ip6"], ":")):
        subnet = records.of_family(network, mark)
        if address and not subnet:
            raise BadInput(f"address {address}: network {network['name']} has no {'IPv4' if mark == '.' else 'IPv6'} subnet")
        if address and subnet:
            Pool(subnet, "", bool).check(address)
    _check_link_local(paths, network, wanted)


def _check_link_local(paths: Paths, network: Network, wanted: WantedEndpoint) -> None:
    """Raise BadInput for link-local addresses on a network whose interfaces get no addresses from here, or none of that family."""
    for address in wanted.get("linkLocal", []):
        if not driver(network["driver"], paths).has_addresses:
            raise BadInput(f"link-local address {address}: a {network['driver']} network gives out its addresses itself")
        if ":" in address and not records.of_family(network, ":"):
            raise BadInput(f"link-local address {address}: network {network['name']} has no IPv6")


def _check_ports(paths: Paths, networks: list[Network]) -> None:
    """Raise BadInput unless one of a container's networks can publish ports."""
    able = [network for network in networks if driver(network["driver"], paths).publishes and not network["internal"]]
    if not able:
        why = "it is internal" if networks[0]["internal"] else f"its driver is {networks[0]['driver']}"
        raise BadInput(f"ports cannot be published on network {networks[0]['name']}: {why}")
    driver(able[0]["driver"], paths).check_publishing(able[0])
