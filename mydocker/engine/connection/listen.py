"""The resolver of a container that is on a network of a user's: 127.0.0.11, port 53, as docker's.

Its sockets have a port that nobody else wants, and a rule of the container's network namespace leads port 53 there: so a program in the
container may serve names itself. What comes to them is answered by the container's monitor, see engine/monitor/names.py.
"""

from __future__ import annotations

import _socket
from errno import EADDRINUSE

from mydocker.kernel.channel import connect
from mydocker.kernel.namespaces import Inside
from mydocker.messages import NAMES
from mydocker.network import hosts
from mydocker.network.redirect import redirect
from mydocker.steps.base import Step, quote

_PORT = 53
_ATTEMPTS = 8  # for a port that is free for UDP and for TCP
_BACKLOG = 32


class Listen(Step):
    """Make the resolver's sockets in a container's network namespace."""

    namespace: str  # its path
    sockets: list[_socket.socket]  # UDP and TCP, empty until the step is done

    def apply(self) -> None:
        with Inside(self.namespace):
            self.sockets[:] = _free_pair()
            try:
                redirect(hosts.RESOLVER, _PORT, self.sockets[0].getsockname()[1])
            except OSError:
                # Without nf_tables or its NAT, the port itself has to do.
                self.undo()
                self.sockets[:] = _pair(_PORT)

    def undo(self) -> None:
        for each in self.sockets:
            each.close()
        self.sockets.clear()

    def describe(self) -> str:
        return f"listen at {hosts.RESOLVER} port {_PORT} in the container's network namespace, for names of other containers"

    def shell(self) -> str:
        return f"# no shell answers names at {hosts.RESOLVER}: /etc/hosts knows them too"


class HandOver(Step):
    """Give the sockets to the monitor of a running container, which answers from now on."""

    path: str  # of the monitor's socket
    sockets: list[_socket.socket]

    def apply(self) -> None:
        channel = connect(self.path)
        try:
            channel.send(NAMES, b"", tuple(each.fileno() for each in self.sockets))
        finally:
            channel.close()
        for each in self.sockets:
            each.close()

    def describe(self) -> str:
        return f"give the sockets to the monitor, at {quote(self.path)}"

    def shell(self) -> str:
        return ""


def _free_pair() -> list[_socket.socket]:
    """Return what _pair() returns, at some port. The one that is free for UDP may be taken for TCP, so others are tried."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return _pair(0)
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
    return _pair(0)


def _pair(port: int) -> list[_socket.socket]:
    """Return a socket for UDP and one for TCP at one port, 0 for any that is free for UDP."""
    made: list[_socket.socket] = []
    try:
        for kind in (_socket.SOCK_DGRAM, _socket.SOCK_STREAM):
            made.append(_socket.socket(_socket.AF_INET, kind | _socket.SOCK_CLOEXEC))
            made[-1].bind((hosts.RESOLVER, port))
            port = made[0].getsockname()[1]
        made[1].listen(_BACKLOG)
    except OSError:
        for each in made:
            each.close()
        raise
    return made
