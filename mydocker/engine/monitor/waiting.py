"""Clients that wait for a container's next start: whoever starts it hands them to the monitor, so that they miss no byte of it.

A client listens at ROOT/containers/ID/waiting/PID.NUMBER.STREAMS, where STREAMS are the kinds of messages that it wants (see
messages.Request), '-' for none. Whoever starts the container, whether by the command line or by the API, connects there and sends the
monitor that connection with its request. A client listens with the container's lock held: so it is either there before a start, or finds
the container running.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import Conflict
from mydocker.kernel.channel import MAX_DESCRIPTORS, Channel, Listener, connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths

# One descriptor of the request is the container's lock.
MOST = MAX_DESCRIPTORS - 1


class Waiting:
    """One client that waits. Raises Conflict if there are as many already as a monitor can be given."""

    __slots__ = ("path", "listener")

    def __init__(self, paths: Paths, container_id: str, streams: str) -> None:
        directory = _directory(paths, container_id)
        store.make_private(directory)
        names = os.listdir(directory)
        if len(names) >= MOST:
            raise Conflict(f"container {container_id[:12]} has {len(names)} clients that wait for its start, and may have {MOST}")
        self.path = f"{directory}/{os.getpid()}.{len(names)}.{streams or '-'}"
        self.listener = Listener(self.path)

    def close(self) -> None:
        """Wait no more. What is at the path may be gone with the container, or with the start."""
        self.listener.close()
        _remove(self.path)


def gather(paths: Paths, container_id: str) -> list[tuple[str, Channel]]:
    """Return (streams, channel) of each client that waits. The caller holds the container's lock."""
    directory = _directory(paths, container_id)
    try:
        names = sorted(os.listdir(directory))[:MOST]
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        channel = _reached(f"{directory}/{name}")
        if channel:
            found.append((name.rpartition(".")[2].replace("-", ""), channel))
        _remove(f"{directory}/{name}")
    return found


def _reached(path: str) -> Channel | None:
    try:
        return connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        return None  # it has gone away


def _directory(paths: Paths, container_id: str) -> str:
    return f"{paths.container(container_id)}/waiting"


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
