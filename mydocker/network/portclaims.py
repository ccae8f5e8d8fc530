"""Claims on ports of the host. A claim is a bound socket that the monitor holds, so the kernel frees it, whatever ends the monitor.

Nobody accepts connections there. So a connection is refused if no rule leads it to the container, as with [::1], where no rule can.
"""

from __future__ import annotations

import _socket
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT

from mydocker.errors import BadInput, Conflict
from mydocker.steps.base import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    class HostPorts(TypedDict):
        """The host's side of what -p asks for. A container's record has it together with the container's side."""

        ip: str  # '' for every address of the host
        first: int  # the first of the ports to choose one from, 0 for any port
        last: int  # the last of them
        protocol: str  # 'tcp', 'udp' or 'sctp'


# What --dry-run shows for a port that the kernel would choose: the first of the dynamic ports (RFC 6335).
_FIRST_OF_ANY = 49152
_KINDS = {
    "tcp": (_socket.SOCK_STREAM, 0),
    "udp": (_socket.SOCK_DGRAM, 0),
    "sctp": (_socket.SOCK_STREAM, getattr(_socket, "IPPROTO_SCTP", 132)),
}
# What a kernel answers that has no sockets of this kind.
_UNKNOWN = (EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT)
_IPV6_V6ONLY = 26


class ClaimPort(Step):
    """Claim a port of the host. Afterwards `port` is the one that was free.

    binding: the ports to choose one from.
    preferred: the port that the container had the last time, or 0. It counts only if the binding says any port.
    """

    __slots__ = ("binding", "preferred", "port", "socket")

    def __init__(self, binding: HostPorts, preferred: int = 0) -> None:
        self.binding = binding
        self.preferred = preferred
        self.port = 0
        self.socket: _socket.socket | None = None

    def apply(self) -> None:
        first, last = self.binding["first"], self.binding["last"]
        candidates = range(first, last + 1) if first else [*([self.preferred] if self.preferred else []), 0]
        for port in candidates:
            if self._try(port):
                return
        raise Conflict(f"port {_words(self.binding, first, last)} is in use on this host: port is already allocated")

    def assume(self) -> None:
        self.port = self.binding["first"] or self.preferred or _FIRST_OF_ANY

    def _try(self, port: int) -> bool:
        """Bind a port, or any port for 0, and say whether it was free."""
        try:
            self.socket = self._bound(port)
        except OSError as error:
            if error.errno == EADDRINUSE:
                return False
            if error.errno == EADDRNOTAVAIL:
                raise BadInput(f"cannot publish port {port or 'any'} on {self.binding['ip']}: no interface has this address") from error
            if error.errno == EACCES:
                raise BadInput(f"cannot publish port {port}: permission denied") from error
            if error.errno not in _UNKNOWN:
                raise
            self.port = port  # this kernel has no sctp sockets, so nobody on this host can have the port
            return bool(port)
        self.port = self.socket.getsockname()[1]
        return True

    def _bound(self, port: int) -> _socket.socket:
        kind, number = _KINDS[self.binding["protocol"]]
        ip = self.binding["ip"]
        if ip:
            return _bind(_socket.AF_INET6 if ":" in ip else _socket.AF_INET, kind, number, ip, port)
        try:
            return _bind(_socket.AF_INET6, kind, number, "::", port)
        except OSError as error:
            if error.errno not in (EAFNOSUPPORT, EADDRNOTAVAIL):
                raise
        return _bind(_socket.AF_INET, kind, number, "0.0.0.0", port)  # a kernel without IPv6

    def undo(self) -> None:
        if self.socket:
            self.socket.close()
            self.socket = None

    def describe(self) -> str:
        first, last = self.binding["first"], self.binding["last"]
        return f"bind a {self.binding['protocol']} socket to {_words(self.binding, first, last)}"


def _bind(family: int, kind: int, number: int, ip: str, port: int) -> _socket.socket:
    made = _socket.socket(family, kind | _socket.SOCK_CLOEXEC, number)
    try:
        if family == _socket.AF_INET6:
            made.setsockopt(_socket.IPPROTO_IPV6, _IPV6_V6ONLY, ip != "::")
        made.bind((ip, port))
    except OSError as error:
        if error.errno != EADDRINUSE or kind != _socket.SOCK_STREAM or not port:
            made.close()
            raise
        # With SO_REUSEADDR, connections that a server of the host closed a minute ago are no obstacle. A socket that listens still is.
        # Ours stops to listen at once, or a connection that no rule leads anywhere would hang instead of being refused.
        made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        try:
            made.bind((ip, port))
            made.listen(0)
            made.shutdown(_socket.SHUT_RDWR)
            made.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 0)
        except OSError:
            made.close()
            raise
    return made


def _words(binding: HostPorts, first: int, last: int) -> str:
    port = "any port" if not first else str(first) if first == last else f"{first}-{last}"
    ip = f"[{binding['ip']}]" if ":" in binding["ip"] else binding["ip"]
    return f"{ip + ':' if ip else ''}{port}/{binding['protocol']}"
