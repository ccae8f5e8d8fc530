"""-p and --expose: which ports of a container are published or exposed, in docker's notations."""

from __future__ import annotations

from mydocker.engine.request.values import number
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Binding
    from mydocker.engine.record.hostconfig import PortBinding

PROTOCOLS = ("tcp", "udp", "sctp")
_EXPECTED = "expected [[HOST-IP:][HOST-PORT[-END]]:]PORT[-END][/tcp|udp|sctp]"


def parse(text: str) -> list[Binding]:
    """Return the bindings of one -p: a binding for each container port of a range. Raises BadInput."""
    rest, slash, protocol = text.partition("/")
    host, _, inside = rest.rpartition(":")
    ip, outside = _host(text, host)
    first, last = _range(text, inside)
    if slash and protocol.lower() not in PROTOCOLS:
        raise BadInput(f"invalid protocol in port {text!r}: expected tcp, udp or sctp")
    low, high = _range(text, outside, 0) if outside else (0, 0)
    if not low and high and first == last:
        raise BadInput(f"invalid port {text!r}: expected a range of host ports from 1 on, or 0 for any port")
    if not low:
        high = 0  # docker's 0 means any port
    if low and last > first and high - low != last - first:
        raise BadInput(f"invalid port {text!r}: the ranges have different lengths")
    each = low and last > first
    return [
        {
            "ip": ip,
            "first": low + offset if each else low,
            "last": low + offset if each else high,
            "container": first + offset,
            "protocol": (protocol or "tcp").lower(),
        }
        for offset in range(last - first + 1)
    ]


def _host(text: str, host: str) -> tuple[str, str]:
    """Return the address and the port, or the range of ports, that stand before the container's port.

    host: '', 'PORT', 'IP:PORT', 'IP:' or '[IP6]:PORT'.
    """
    if ":" not in host:
        return "", host
    ip, _, port = host.rpartition(":")
    bare = ip[1:-1] if ip.startswith("[") and ip.endswith("]") else ip
    if not is_address(bare) or (":" in bare) != (ip != bare):
        raise BadInput(f"invalid address {ip!r} in port {text!r}: expected an IP address, IPv6 in brackets")
    return bare, port


def is_address(text: str) -> bool:
    """Say whether a text is an IPv4 or an IPv6 address."""
    import _socket

    try:
        _socket.inet_pton(_socket.AF_INET6 if ":" in text else _socket.AF_INET, text)
    except (OSError, ValueError):  # ValueError: for a NUL, or what is no UTF-8
        return False
    return True


def _range(text: str, part: str, least: int = 1) -> tuple[int, int]:
    low, dash, high = part.partition("-")
    first, last = number(low), number(high if dash else low)
    if first is None or last is None or not least <= first <= last <= 65535:
        raise BadInput(f"invalid port {text!r}: {_EXPECTED}, with ports from 1 to 65535")
    return first, last


def exposed(text: str) -> list[str]:
    """Return docker's 'PORT/PROTOCOL' for each port of an --expose. Raises BadInput."""
    if ":" in text:
        raise BadInput(f"invalid exposed port {text!r}: expected PORT[-END][/tcp|udp|sctp]")
    return [key(binding) for binding in parse(text)]


def key(binding: Binding) -> str:
    """Return docker's name of a container's port, such as '80/tcp'."""
    return f"{binding['container']}/{binding['protocol']}"


def all_exposed(names: list[str]) -> list[Binding]:
    """Return the bindings of -P: each exposed port is to be published on any port of the host."""
    return [binding for name in names for binding in parse(name)]


def as_docker(bindings: list[Binding]) -> dict[str, list[PortBinding]]:
    """Return bindings as docker's PortBindings (Engine API, PortMap)."""
    result: dict[str, list[PortBinding]] = {}
    for binding in bindings:
        low, high = binding["first"], binding["last"]
        host = "" if not low else str(low) if low == high else f"{low}-{high}"
        result.setdefault(key(binding), []).append({"HostIp": binding["ip"], "HostPort": host})
    return result
