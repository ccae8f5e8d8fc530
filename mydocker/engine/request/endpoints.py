"""The flags of run and create that say how a container is connected: its networks, addresses, names and ports."""

from __future__ import annotations

from mydocker.engine.request.ports import is_address
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mydocker.engine.record.containers import WantedEndpoint
    from mydocker.engine.request.options import Flags

# What --network takes besides container:NAME and the names of networks.
MODES = ("none", "host")
DEFAULT = "bridge"
# The option of an endpoint that names its interface.
IFNAME = "com.docker.network.endpoint.ifname"
# Options of docker's own begin like this: each asks for something. Others are for other drivers, and are only kept.
_DOCKERS = "com.docker.network."

_PARTS = "alias, ip, ip6, link-local-ip, mac-address, driver-opt or gw-priority"
_HEXADECIMAL = set("0123456789abcdefABCDEF")


def parse(given: Flags) -> Flags:
    """Return the options network (the mode), endpoints (by network), publish and expose. Raises BadInput.

    given: the flags. --ip, --ip6, --link-local-ip, --mac-address and --network-alias, which are for the first network, are taken out of
    them.
    """
    single = {key: given.pop(key) or "" for key in ("ip", "ip6", "mac_address")}
    aliases, names, local = list(given.pop("network_alias")), links(given.pop("link")), list(given.pop("link_local_ip"))
    wanted = dict(_endpoint(text) for text in given["network"] or [DEFAULT])
    mode = next(iter(wanted))
    if len(wanted) != len(given["network"] or [DEFAULT]):
        raise BadInput(f"invalid --network {' '.join(given['network'])!r}: each network once")
    if len(wanted) > 1 and any(map(is_mode, wanted)):
        raise BadInput(f"invalid --network {' '.join(given['network'])!r}: none, host and container:NAME exclude others")
    first = wanted[mode]
    first["aliases"] += aliases
    if names:
        first["links"] = names
    if local:
        first["linkLocal"] = [*first.get("linkLocal", []), *local]
    first |= {"ip": single["ip"] or first["ip"], "ip6": single["ip6"] or first["ip6"], "mac": single["mac_address"] or first["mac"]}
    for name, endpoint in wanted.items():
        check_endpoint(name, endpoint)
    _check_names(given)
    flat = {key: [each for found in given[key] for each in found] for key in ("publish", "expose")}
    return {"network": mode, "endpoints": {} if is_mode(mode) else wanted, **flat}


def is_mode(name: str) -> bool:
    """Say whether a network is none of ours, but the host's, none, or another container's."""
    return name in MODES or name.startswith("container:")


def _endpoint(text: str) -> tuple[str, WantedEndpoint]:
    """Return the network and the endpoint that 'NAME', or docker's 'name=NAME,alias=…,ip=…,ip6=…,mac-address=…', asks for."""
    endpoint: WantedEndpoint = {"aliases": [], "ip": "", "ip6": "", "mac": ""}
    if "=" not in text:
        return {"default": DEFAULT}.get(text, text), endpoint
    name, options = "", []
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key == "name":
            name = value
        elif key == "alias":
            endpoint["aliases"].append(value)
        elif key == "ip":
            endpoint["ip"] = value
        elif key == "ip6":
            endpoint["ip6"] = value
        elif key == "mac-address":
            endpoint["mac"] = value
        elif key == "driver-opt":
            options.append(value)
        elif key == "link-local-ip":
            endpoint["linkLocal"] = [*endpoint.get("linkLocal", []), value]
        elif key == "gw-priority":
            endpoint["gwPriority"] = priority(value)
        else:
            raise BadInput(f"invalid --network {text!r}: expected name=NAME and {_PARTS}")
    if not name:
        raise BadInput(f"invalid --network {text!r}: it has no name=NAME")
    endpoint |= driver_options(options)
    return name, endpoint


def driver_options(texts: Iterable[str]) -> WantedEndpoint:
    """Return what the options of an endpoint ask for: the name of its interface, and what is only kept. Raises BadInput."""
    found: Any = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise BadInput(f"invalid option {text!r} of an endpoint: expected KEY=VALUE")
        if key == IFNAME:
            found["interface"] = _interface(value)
        elif key.startswith(_DOCKERS):
            raise BadInput(f"unknown option {text!r} of an endpoint: expected {IFNAME}=NAME")
        else:
            found.setdefault("driverOptions", {})[key] = value
    asked: WantedEndpoint = found
    return asked


def _interface(name: str) -> str:
    if not 0 < len(name) < 16 or name in (".", "..", "lo") or any(c.isspace() or c in "/:" or not c.isprintable() for c in name):
        raise BadInput(f"invalid interface name {name!r}: expected up to 15 characters without spaces, / and :")
    return name


def priority(text: str) -> int:
    """Return a priority of a network as the way out. Raises BadInput."""
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or not -(2**31) <= int(text) < 2**31:
        raise BadInput(f"invalid gw-priority {text!r}: expected a whole number")
    return int(text)


def check_endpoint(name: str, endpoint: WantedEndpoint) -> None:
    """Raise BadInput unless the network `name` can have an endpoint as it is asked for."""
    for flag, address, letter, example in (("--ip", endpoint["ip"], ".", "172.20.0.9"), ("--ip6", endpoint["ip6"], ":", "fd00::9")):
        if address and (letter not in address or not is_address(address)):
            raise BadInput(f"invalid {flag} {address!r}: expected an address such as {example}")
    if endpoint["mac"]:
        check_mac(endpoint["mac"])
    for address in endpoint.get("linkLocal", []):
        check_link_local(address)
    flags = {"--ip": endpoint["ip"], "--ip6": endpoint["ip6"], "--network-alias": endpoint["aliases"]}
    asked = [flag for flag, value in flags.items() if value]
    if asked and (is_mode(name) or name == DEFAULT):
        raise BadInput(f"{asked[0]} needs a network of yours, and {name} is none", "mydocker network create NAME makes one")
    if endpoint.get("linkLocal") and is_mode(name):
        raise BadInput(f"--link-local-ip and --network {name} exclude each other")
    if endpoint.get("links") and is_mode(name):
        raise BadInput(f"--link and --network {name} exclude each other")
    if endpoint["mac"] and (name == "host" or name.startswith("container:")):
        raise BadInput(f"--mac-address and --network {name} exclude each other")
    for alias in endpoint["aliases"]:
        if not alias or any(c.isspace() or not c.isprintable() for c in alias):
            raise BadInput(f"invalid network alias {alias!r}: expected a name without spaces")


def links(given: Iterable[str]) -> list[str]:
    """Return links as CONTAINER:ALIAS, each once. Raises BadInput."""
    found = []
    for text in given:
        name, _, alias = text.removeprefix("/").partition(":")
        if not name or ":" in alias or any(c.isspace() or not c.isprintable() for c in text):
            raise BadInput(f"invalid link {text!r}: expected CONTAINER[:ALIAS]")
        found.append(f"{name}:{alias or name}")
    return list(dict.fromkeys(found))


def check_link_local(text: str) -> None:
    """Raise BadInput unless a text is an address that means something only beyond one interface (RFC 3927, RFC 4291)."""
    if not is_address(text) or not text.lower().startswith(("169.254.", "fe8", "fe9", "fea", "feb")):
        raise BadInput(f"invalid link-local address {text!r}: expected one of 169.254.0.0/16 or fe80::/10")


def check_mac(text: str) -> None:
    """Raise BadInput unless a text is the MAC address of one interface, and not of a group."""
    parts = text.split(":")
    whole = len(parts) == 6 and all(len(part) == 2 and set(part) <= _HEXADECIMAL for part in parts)
    if not whole or int(parts[0], 16) & 1 or text == "00:00:00:00:00:00":
        raise BadInput(f"invalid MAC address {text!r}: expected one such as 02:42:ac:11:00:02, not of a group")


def _check_names(given: Flags) -> None:
    for address in given["dns"]:
        if not is_address(address):
            raise BadInput(f"invalid --dns {address!r}: expected the address of a name server")
    for flag, key in (("--dns-search", "dns_search"), ("--dns-option", "dns_option")):
        for word in given[key]:
            if not word or any(c.isspace() or not c.isprintable() for c in word):
                raise BadInput(f"invalid {flag} {word!r}: expected a word without spaces")


def extra_host(text: str) -> str:
    """Return the value of --add-host as docker's 'NAME:ADDRESS'. Raises BadInput.

    The flag also takes 'NAME=ADDRESS', and brackets around an IPv6 address.
    """
    mark = "=" if "=" in text else ":"
    name, _, address = text.partition(mark)
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    if not name or any(c.isspace() for c in name) or (bare != "host-gateway" and not is_address(bare)):
        raise BadInput(f"invalid --add-host {text!r}: expected NAME:ADDRESS or NAME:host-gateway")
    return f"{name}:{bare}"
