"""Attach to a container that runs already, by a connection to its monitor's socket."""

from __future__ import annotations

from mydocker.engine.monitor.client import Client
from mydocker.engine.record import events, state
from mydocker.errors import Conflict
from mydocker.kernel.channel import Channel, connect
from mydocker.messages import ATTACH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths


def attach(paths: Paths, record: Record, streams: str, detach_keys: bytes, proxy: bool) -> Client:
    """Return the client of a running container's monitor. Raises Conflict if the container does not run or has lost its monitor.

    streams: the streams that are connected, see messages.Request
    detach_keys: the bytes that detach the client, b'' for none
    proxy: whether the client passes its signals on
    """
    if not state.running_pid(paths, record["id"]):
        raise Conflict(f"container {record['name']} is not running")
    client = Client(_connected(paths, record), streams, record["config"]["Tty"], detach_keys, proxy, None)
    try:
        client.channel.send(ATTACH, streams.encode())
    except BrokenPipeError as error:
        raise Conflict(f"container {record['name']} has just ended") from error
    client.wait_started()
    if streams:
        events.of_container(paths, record, "attach")
    return client


def _connected(paths: Paths, record: Record) -> Channel:
    try:
        return connect(paths.attach_socket(record["id"]))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        hint = "the container lives on: stop, exec and rm still work"
        raise Conflict(f"container {record['name']} has no monitor to attach to", hint) from error
