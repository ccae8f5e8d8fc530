"""The ssh agent that RUN --mount=type=ssh shows: a socket before the caller's own agent, or before one that has only the given keys.

Through it a build may list keys and have something signed. It cannot add keys, remove them or lock the agent (draft-miller-ssh-agent).
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import threading
from struct import pack, unpack

from mydocker.errors import StepFailed, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_REQUESTS = (11, 13)  # SSH_AGENTC_REQUEST_IDENTITIES, SSH_AGENTC_SIGN_REQUEST
_FAILURE = pack(">IB", 1, 5)
_LONGEST = 256 << 10

# What an agent of ours is started with.
_WAITING = "trap '' PIPE; echo $SSH_AGENT_PID; read -r _; kill $SSH_AGENT_PID"


class Agent:
    """An agent for one RUN. `with` ends it, and so does the end of this process.

    paths: a socket, or private keys
    directory: a directory for its sockets, which nobody else can reach
    """

    def __init__(self, paths: list[str], directory: str) -> None:
        self.paths = paths
        self.directory = directory
        self.path = f"{directory}/socket"
        self._keys: subprocess.Popen[bytes] | None = None  # what an agent of our own was started with
        self._child = 0
        self._alive = -1  # as long as this end of a pipe is open, the child goes on

    def __enter__(self) -> Agent:
        try:
            behind = self.paths[0] if stat.S_ISSOCK(os.stat(self.paths[0]).st_mode) else self._with_keys()
            self._start(_listening(self.directory), behind)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, listening: socket.socket, behind: str) -> None:
        """Start the child that serves the socket. behind: the socket of the agent that answers."""
        theirs, self._alive = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(self._alive)
            _serve(listening, behind, theirs)
        os.close(theirs)
        listening.close()

    def __exit__(self, *exception: object) -> None:
        if self._child:
            os.close(self._alive)
            os.waitpid(self._child, 0)
        if self._keys:
            self._keys.communicate()

    def _with_keys(self) -> str:
        """Start an agent of our own, give it the keys, and return the path of its socket. Raises Unsupported, StepFailed.

        It is started with a command that waits for the end of our pipe, which comes when a build is killed, too, and then ends the agent.
        Ctrl-C does not reach that command, and a build that was killed before it could read has not ended it.
        """
        path = f"{self.directory}/keys"
        command = ["ssh-agent", "-a", path, "sh", "-c", _WAITING]
        environment = {**os.environ, "SSH_AUTH_SOCK": path, "SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}
        try:
            pipe = subprocess.PIPE
            self._keys = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
            assert self._keys.stdout and self._keys.stderr
            if not self._keys.stdout.readline():
                raise StepFailed(f"ssh-agent does not start: {' '.join(self._keys.stderr.read().decode(errors='replace').split())}")
            words = ["ssh-add", "-q", *self.paths]
            added = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise Unsupported(f"a key for --ssh needs {error.filename}, which is not here", "install openssh-client") from error
        if added.returncode:
            reason = " ".join(added.stderr.split())
            raise StepFailed(f"cannot use the key {', '.join(self.paths)}: {reason}", hint="a key with a passphrase has to be in an agent")
        return path


def _listening(directory: str) -> socket.socket:
    """Return a new socket `socket` in a directory. Its path may have 107 bytes at most, so a short one is taken."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        made = socket.socket(socket.AF_UNIX)
        made.bind(f"/proc/self/fd/{descriptor}/socket")
        made.listen()
        return made
    finally:
        os.close(descriptor)


def _serve(listening: socket.socket, behind: str, alive: int) -> NoReturn:
    """Serve everybody who connects, until the other end of the pipe `alive` is closed.

    behind: the socket of the agent that answers
    """
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the build says when
        # The locks of the build are not this process's.
        low, high = sorted((listening.fileno(), alive))
        os.closerange(3, low)
        os.closerange(low + 1, high)
        os.closerange(high + 1, os.sysconf("SC_OPEN_MAX"))
        while alive not in select.select([listening.fileno(), alive], [], [])[0]:
            threading.Thread(target=_pass_on, args=(listening.accept()[0], behind), daemon=True).start()
    finally:
        os._exit(0)


def _pass_on(client: socket.socket, behind: str) -> None:
    """Pass one client's requests on to the agent. Whoever closes the connection ends it."""
    with client, socket.socket(socket.AF_UNIX) as agent:
        agent.connect(behind)
        while request := _message(client):
            if request[4] in _REQUESTS:
                agent.sendall(request)
                client.sendall(_message(agent))
            else:
                client.sendall(_FAILURE)


def _message(connection: socket.socket) -> bytes:
    """Return one whole message with its length before it, b'' at the end or for one that is too long."""
    head = _exactly(connection, 4)
    length = unpack(">I", head)[0] if head else 0
    body = _exactly(connection, length) if 0 < length <= _LONGEST else b""
    return head + body if body else b""


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            return b""
        data += piece
    return data
