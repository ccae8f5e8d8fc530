"""Endpoints about networks."""

from __future__ import annotations

from mydocker.api import attachments
from mydocker.api.call import DONE, EMPTY, Answer, Call, field, mapping
from mydocker.api.protocol import Refused
from mydocker.api.pruning import pruned
from mydocker.engine.connection import connecting, networks, new_network
from mydocker.engine.record import containers, filters
from mydocker.engine.request.endpoints import check_endpoint
from mydocker.engine.system import pruning
from mydocker.engine.view import choosing
from mydocker.errors import BadInput, NotFound
from mydocker.network import records
from mydocker.network.drivers import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.network.records import Network


def list_(call: Call) -> Answer:
    """GET /networks"""
    fits = filters.parse(call.filters(), choosing.networks(call.paths), choosing.NETWORK_CHECKS)
    found = [network for network in networks.every(call.paths) if network["driver"] != records.DAMAGED and fits(network)]
    return Answer([_shown(call, network) for network in found])


def inspect(call: Call) -> Answer:
    """GET /networks/NAME"""
    if call.text("scope") not in ("", "local"):
        raise _missing(call.name)
    return Answer(_shown(call, _found(call)))


def _found(call: Call) -> Network:
    try:
        return networks.resolve(call.paths, call.name)
    except NotFound as error:
        raise _missing(call.name) from error


def _missing(name: str) -> NotFound:
    return NotFound(f"network {name} not found")


def _shown(call: Call, network: Network) -> dict[str, Any]:
    return {**networks.document(call.paths, network)}


def create(call: Call) -> Answer:
    """POST /networks/create"""
    body = call.document(is_needed=True)
    name, kind = field(body, "Name", str, ""), field(body, "Driver", str, "") or "bridge"
    if name in new_network.PREDEFINED:
        raise Refused(403, f"operation is not permitted on predefined {name} network")
    for key in ("Ingress", "ConfigOnly"):
        if field(body, key, bool, False):
            raise BadInput(f"{key} is for swarms: expected false")
    if kind != "null" and kind not in NAMES:
        raise Refused(404, f'plugin "{kind}" not found')
    if field(body, "Scope", str, "") not in ("", "local"):
        raise BadInput(f"invalid Scope {body['Scope']!r}: expected local")
    asked = _addresses(field(body, "IPAM", dict, {}), field(body, "EnableIPv4", bool, True), field(body, "EnableIPv6", bool, False))
    labels, options = mapping(body, "Labels"), mapping(body, "Options")
    made = new_network.new(call.paths, name, kind, asked, field(body, "Internal", bool, False), labels, options)
    made["attachable"] = field(body, "Attachable", bool, False)
    made["ipamOptions"] = field(body, "IPAM", dict, {}).get("Options") is not None
    networks.create(call.paths, made, asked, call.run())
    return Answer({"Id": made["id"], "Warning": ""}, 201)


def _addresses(ipam: dict[str, Any], ipv4: bool, ipv6: bool) -> new_network.Asked:
    """Return the addresses that are asked for. Raises BadInput."""
    if field(ipam, "Driver", str, "") not in ("", "default") or mapping(ipam, "Options"):
        raise BadInput(f"invalid IPAM driver {ipam.get('Driver')!r}: expected default, without options")
    pools: list[dict[str, Any]] = field(ipam, "Config", list, [])
    for pool in pools:
        if not isinstance(pool, dict):
            raise BadInput(f"invalid IPAM Config {pool}: expected Subnet, IPRange, Gateway and AuxiliaryAddresses")
    found = [[text for pool in pools if (text := field(pool, key, str, ""))] for key in ("Subnet", "Gateway", "IPRange")]
    reserved = {name: text for pool in pools for name, text in mapping(pool, "AuxiliaryAddresses").items()}
    return new_network.Asked(subnets=found[0], gateways=found[1], ranges=found[2], reserved=reserved, ipv4=ipv4, ipv6=ipv6)


def remove(call: Call) -> Answer:
    """DELETE /networks/NAME"""
    network = _found(call)
    if network["name"] in new_network.PREDEFINED:
        raise Refused(403, f"{network['name']} is a pre-defined network and cannot be removed")
    networks.remove(call.paths, network, call.run())
    return DONE


def connect(call: Call) -> Answer:
    """POST /networks/NAME/connect"""
    body = call.document(is_needed=True)
    network = _found(call)
    wanted = attachments.endpoint(field(body, "EndpointConfig", dict, {}))
    check_endpoint(network["name"], wanted)
    container_id = containers.resolve(call.paths, field(body, "Container", str, ""))
    connecting.connect(call.paths, network, container_id, wanted, call.run())
    return EMPTY


def disconnect(call: Call) -> Answer:
    """POST /networks/NAME/disconnect"""
    body = call.document(is_needed=True)
    force = field(body, "Force", bool, False)
    container_id = containers.resolve(call.paths, field(body, "Container", str, ""))
    try:
        network = _found(call)
    except NotFound:
        if not force:
            raise
        connecting.forget(call.paths, call.name, container_id, call.run())
        return EMPTY
    connecting.disconnect(call.paths, network, container_id, call.run())
    return EMPTY


def prune(call: Call) -> Answer:
    """POST /networks/prune"""
    texts = call.filters()
    found = pruned(call, "network", lambda pruning_: pruning.of_networks(pruning_, texts))
    return Answer({"NetworksDeleted": found.lines or None})
