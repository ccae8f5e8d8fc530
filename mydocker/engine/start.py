"""Starting a created container: the request to its monitor, and what the monitor answers."""

from __future__ import annotations

import os

from mydocker.engine import launcher
from mydocker.engine.client import Client
from mydocker.kernel import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.client import Explain
    from mydocker.engine.containers import Record
    from mydocker.paths import Paths


def start(
    paths: Paths,
    record: Record,
    lock: int,
    streams: str = "",
    detach_keys: bytes = b"",
    proxy: bool = True,
    how: str = "",
    explain: Explain | None = None,
) -> Client:
    """Start a container whose lock is held as descriptor `lock`, which the monitor takes over; return the attachment.

    streams: of 'I', 'O', 'E', what the caller's own are to be connected to. how: '', 'text', 'sh' or 'json'.
    Raises what the start failed with.
    """
    channel = launcher.monitor()
    is_tty = record["config"]["Tty"]
    client = Client(channel, streams, is_tty, detach_keys, proxy, explain)
    request = {
        "root": paths.root,
        "state": paths.state,
        "id": record["id"],
        "wanted": streams,
        "size": _size() if is_tty else None,
        "explain": how,
        "crashAfter": os.environ.get("MYDOCKER_CRASH_AFTER", ""),
    }
    channel.put("R", request, (lock,))
    os.close(lock)
    client.wait_started()
    return client


def _size() -> tuple[int, int] | None:
    for descriptor in (0, 1, 2):
        if os.isatty(descriptor):
            return terminal.window_size(descriptor)
    return None
