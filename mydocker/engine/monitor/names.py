"""The resolver of a running container, as its monitor has it: two sockets, see engine/connection/listen.py.

That costs an idle container nothing. At the first question the monitor forks nameserver.py, which answers, and ends when nothing more is
asked.
"""

from __future__ import annotations

import os
from select import POLLIN, poll
from time import monotonic

from mydocker.kernel import process
from mydocker.network import hosts
from mydocker.tracebacks import as_error, kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

_PAUSE = 1.0  # seconds before the next server, if one ended with an error
_SIGKILL = 9
_HIGHEST_DESCRIPTOR = 1 << 20


class Names:
    """The resolver of a running container. It is a supervise.Watch.

    sockets: the descriptors for UDP and TCP, none if the container has no resolver yet
    """

    __slots__ = ("paths", "record", "sockets", "child", "ended", "rests_until")

    def __init__(self, paths: Paths, record: Record, sockets: list[int]) -> None:
        self.paths = paths
        self.record = record
        self.sockets = sockets
        self.child = 0  # the pid of the process that answers
        self.ended = -1  # its pidfd
        self.rests_until = 0.0  # by monotonic()

    def take(self, sockets: list[int]) -> None:
        """Answer what comes to these sockets from now on."""
        self.sockets = sockets

    def register(self, poller: poll) -> None:
        """Have a poller look for a question, or for the end of the process that answers."""
        if self.child:
            poller.register(self.ended, POLLIN)
        elif self.patience() is None:
            for each in self.sockets:
                poller.register(each, POLLIN)

    def patience(self) -> int | None:
        """Return for how many milliseconds questions have to wait, or None."""
        left = self.rests_until - monotonic()
        return int(left * 1000) + 1 if left > 0 else None

    def tick(self, ready: dict[int, int]) -> None:
        """Start the process that answers, or reap it."""
        if self.child and self.ended in ready:
            self._reap()
        elif not self.child and any(each in ready for each in self.sockets):
            self._start()

    def _start(self) -> None:
        self.child = os.fork()
        if self.child == 0:
            self._be_server()
        self.ended = os.pidfd_open(self.child)

    def _reap(self) -> None:
        status = os.waitpid(self.child, 0)[1]
        os.close(self.ended)
        self.child = 0
        self.rests_until = monotonic() + _PAUSE if status else 0.0

    def stop(self) -> None:
        """End the process that answers, because the container has ended."""
        if self.child:
            os.kill(self.child, _SIGKILL)
            self._reap()

    def _be_server(self) -> NoReturn:
        try:
            process.prctl(process.PR_SET_PDEATHSIG, _SIGKILL)
            process.set_name("mydocker-names")
            first, second = sorted(self.sockets)
            os.closerange(3, first)
            os.closerange(first + 1, second)
            os.closerange(second + 1, _HIGHEST_DESCRIPTOR)
            from mydocker.engine.monitor import nameserver  # imported here, because it takes 100 ms
            from mydocker.network.zone import Zones

            upstreams = [
                nameserver.Upstream(address=address, is_hosts=is_hosts)
                for address, is_hosts in hosts.upstreams(self.record["hostConfig"]["Dns"] or [])
            ]
            namespace = f"{self.paths.proc}/{self.record['pid']}/ns/net"
            nameserver.serve(Zones(self.paths, self.record["id"]), upstreams, namespace, *self.sockets)
            os._exit(0)
        except BaseException as error:
            kept(as_error(error, "names"), self.paths.errors)
        finally:
            os._exit(1)
