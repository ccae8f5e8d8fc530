"""The listener of a seccomp filter, which goes to an agent that decides on the calls.

Source: runtime-spec config-linux.md, The Container Process State.
"""

from __future__ import annotations

import _socket
import os
from struct import pack

from mydocker import leanjson
from mydocker.errors import StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.messages import State
    from mydocker.runtime.spec import Seccomp


def hand_over(listener: int, seccomp: Seccomp, pid: int, state: State) -> None:
    """Send a listener with the state of the process to the socket at listenerPath.

    listener: the listener's descriptor. It is closed.
    pid: that of the process that has loaded the filter.
    state: the container's state.

    Raises StepFailed if nobody listens there.
    """
    path = seccomp["listenerPath"]
    own = {"ociVersion": state.get("ociVersion", ""), "fds": ["seccompFd"], "pid": pid}
    told = {**own, "metadata": seccomp.get("listenerMetadata", ""), "state": state}
    socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        socket.connect(path)
        socket.sendmsg([leanjson.dumps(told).encode()], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pack("i", listener))])
    except OSError as error:
        raise StepFailed(f"failed to connect with seccomp agent {path!r}: {error.strerror}", error.errno or 0) from error
    finally:
        socket.close()
        os.close(listener)
