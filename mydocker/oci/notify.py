"""The socket on which a service tells systemd that it is ready (sd_notify(3)), led into a container.

    NOTIFY_SOCKET of the caller ◄── start or run ◄── ROOT/ID/notify/notify.sock, in the container /run/notify/notify.sock ◄── the program

create prepares the directory and its mount. start and `run --detach` make the socket and return when the program has said READY=1, which
they pass on, or has ended. So does `run` in the foreground, in a process beside it. runc does it in this way too; nothing else that the
program says is passed on, because it would speak for a service that is not the container alone.
"""

from __future__ import annotations

import _socket
import os
from select import POLLIN, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.oci.containers import Container
    from mydocker.runtime.spec import Mount, Process, Spec

INSIDE = "/run/notify"
_LONGEST = 4096  # of a message


def prepared(container: Container, spec: Spec) -> Spec:
    """Make the directory of the container's socket, and return config.json with its mount and its variable."""
    directory = _directory(container)
    os.mkdir(directory, 0o755)
    options = ["bind", "nosuid", "noexec", "nodev", "ro"]
    mount: Mount = {"destination": INSIDE, "type": "bind", "source": directory, "options": options}
    process: Process = {**spec["process"], "env": [*spec["process"]["env"], f"NOTIFY_SOCKET={INSIDE}/notify.sock"]}
    return {**spec, "mounts": [*spec["mounts"], mount], "process": process}


def listen(container: Container) -> _socket.socket | None:
    """Make the container's socket and return it, or None if its create had no NOTIFY_SOCKET."""
    if not os.path.isdir(_directory(container)):
        return None
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    directory = os.open(_directory(container), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        path = f"/proc/self/fd/{directory}/notify.sock"  # The path itself may be longer than an address may be.
        listener.bind(path)
        os.chmod(path, 0o777)  # The container's user may be anybody.
    finally:
        os.close(directory)
    return listener


def relay(container: Container, listener: _socket.socket, is_main: bool) -> None:
    """Return when the program has said READY=1, which is passed on, or when it has ended.

    is_main: whether the container's first process becomes the service's main process, because this process ends.
    """
    pid = container.record["pid"]
    ends = os.pidfd_open(pid)
    waiting = poll()
    for descriptor in (listener.fileno(), ends):
        waiting.register(descriptor, POLLIN)
    try:
        while listener.fileno() in (ready for ready, _ in waiting.poll()):
            if b"READY=1" in listener.recv(_LONGEST).split(b"\n"):
                _tell(container, f"READY=1\nMAINPID={pid}\n" if is_main else "READY=1\n")
                return
    finally:
        os.close(ends)


def relay_beside(container: Container, listener: _socket.socket) -> int:
    """Fork a process that does what relay() does, and return its pid."""
    child = os.fork()
    if child == 0:
        try:
            relay(container, listener, is_main=False)
        finally:
            os._exit(0)
    return child


def _tell(container: Container, text: str) -> None:
    path = os.environ["NOTIFY_SOCKET"]
    sender = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        sender.connect("\0" + path[1:] if path.startswith("@") else path)
        sender.send(text.encode())
    except OSError as error:
        container.settings.log("warning", f"NOTIFY_SOCKET {path!r}: {error.strerror}")  # The container runs all the same.
    finally:
        sender.close()


def _directory(container: Container) -> str:
    return f"{container.directory}/notify"
