"""The service: a small process that accepts connections and forks a child for each, and ends when nothing has been asked for some time.

    systemd or a shell ──► service ──fork──► child: one connection (handler.py), the engine as the command line calls it
                              │    ──fork──► child …
                              └─ nobody connected for --time seconds: it ends

It keeps nothing in memory: all that children answer is in ROOT and STATE and the kernel, as for the command line. So it may be killed at
any moment, and started twice. A child that starts a container forks its monitor, which outlives child and service.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from select import POLLIN, poll
from socket import socket as Socket
from time import monotonic

from mydocker import frozen
from mydocker.api import handler
from mydocker.api.protocol import Connection, Gone, Refused
from mydocker.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.paths import Paths

# So many connections are served at once. Whoever opens one more is told 503.
MOST_CHILDREN = 200
# What most children and their monitors import is imported here once the first one is under way, so that later ones find it. The rest
# takes more memory.
_OFTEN = (
    "engine.monitor.monitor",
    *(f"api.{name}" for name in ("system", "containers", "create", "life", "streams", "wait", "exec")),
    "engine.request.seccomp",
    "kernel.seccomp_rules",
)
_BUSY = f"too many connections: the service answers {MOST_CHILDREN} at once"


class Service:
    """The process that accepts connections."""

    def __init__(self, paths: Paths, listener: Socket, seconds: float, leave: Callable[[], None]) -> None:
        self.paths = paths
        self.listener = listener
        self.leave = leave  # takes the socket's path away, so that nobody connects any more
        self.seconds = seconds  # after which it ends if nobody is connected, 0 for never
        self.children: dict[int, int] = {}  # {pidfd: pid}
        self.is_ended = False
        self._modules = list(_OFTEN)
        self._has_served = False

    def run(self) -> None:
        """Serve until nobody has been connected for some time, or a signal asks for the end. Children end by themselves."""
        wake, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        gc.freeze()
        quiet_since = monotonic()
        while not self.is_ended:
            ready = self._wait(wake, quiet_since)
            self._reap(ready)
            if self.listener.fileno() in ready:
                self._accept()
            if self.children or ready:
                quiet_since = monotonic()
            elif self.seconds and monotonic() - quiet_since >= self.seconds:
                break
            if not ready:
                self._import_next()
        self.leave()
        while self._has_waiting():  # whoever connected at the last moment is served
            self._accept()

    def _has_waiting(self) -> bool:
        poller = poll()
        poller.register(self.listener.fileno(), POLLIN)
        return bool(poller.poll(0))

    def _end(self) -> None:
        self.is_ended = True

    def _wait(self, wake: int, quiet_since: float) -> set[int]:
        """Return the descriptors that are ready; {} once the time is over, or when there is something to import."""
        poller = poll()
        for descriptor in (wake, self.listener.fileno(), *self.children):
            poller.register(descriptor, POLLIN)
        if self._has_served and self._modules:
            return {descriptor for descriptor, _ in poller.poll(0)}
        left = None if self.children or not self.seconds else max(0.0, quiet_since + self.seconds - monotonic()) * 1000
        return {descriptor for descriptor, _ in poller.poll(left)}

    def _reap(self, ready: set[int]) -> None:
        for descriptor in ready & self.children.keys():
            os.waitpid(self.children.pop(descriptor), 0)
            os.close(descriptor)

    def _import_next(self) -> None:
        if self._has_served and self._modules:
            frozen.load("monitor")  # or each child's monitor would read that file
            __import__("mydocker." + self._modules.pop(0))
            gc.freeze()

    def _accept(self) -> None:
        try:
            client, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another service on the same socket was faster, or the client has gone away
        with client:
            if len(self.children) >= MOST_CHILDREN:
                _refuse(client, _BUSY)
                return
            try:
                pid = os.fork()
            except OSError as error:  # the host has no more processes or memory for now
                _refuse(client, f"no child for this connection: {error.strerror}")
                return
            if pid == 0:
                _be_child(self.paths, client, self.listener, [*self.children])
        self.children[os.pidfd_open(pid)] = pid
        self._has_served = True


def _refuse(client: Socket, why: str) -> None:
    client.setblocking(False)  # whoever does not read has to go without the words
    try:
        handler.tell(Connection(client), Refused(503, why))
    except (BlockingIOError, Gone, Error):
        return


def _be_child(paths: Paths, client: Socket, listener: Socket, descriptors: list[int]) -> None:
    """Serve one connection, and end this process."""
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, signal.SIG_DFL)
        listener.close()
        for descriptor in descriptors:
            os.close(descriptor)
        client.setblocking(True)
        # The engine may print a warning, and looks at standard input for the size of a terminal: the service's are none of the client's.
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        handler.serve(paths, Connection(client))
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)
