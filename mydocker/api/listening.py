"""Where the service listens: a socket that systemd or another activator passes on (sd_listen_fds(3)), or one of its own at a path."""

from __future__ import annotations

import grp
import os
import stat
from errno import EADDRINUSE
from fcntl import LOCK_EX, flock
from socket import AF_UNIX, SOCK_STREAM, socket

from mydocker.errors import BadInput, Conflict, Error

_FIRST_PASSED = 3
# A client that finds the queue full is refused at once.
_BACKLOG = 1024
_GROUP = "docker"
_LONGEST_PATH = 107  # unix(7)


def passed_on() -> socket | None:
    """Return the listening socket that was passed on to this process, or None. Raises BadInput if that is not exactly one."""
    count, owner = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if not count or owner != str(os.getpid()):
        return None
    if count != "1":
        raise BadInput(f"LISTEN_FDS is {count!r}: expected 1, the socket to listen at")
    os.set_inheritable(_FIRST_PASSED, False)
    found = socket(fileno=_FIRST_PASSED)
    if found.family != AF_UNIX or found.type != SOCK_STREAM:
        found.close()
        raise BadInput("the socket that was passed on is no stream socket of the family unix: expected one, as nobody here checks who asks")
    found.setblocking(False)
    return found


def path_of(address: str) -> str:
    """Return the path that an address means. Raises BadInput."""
    scheme, mark, path = address.partition("://")
    if not mark or scheme != "unix" or not path.startswith("/") or path.endswith("/"):
        raise BadInput(f"invalid address {address!r}: expected unix:///PATH")
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise BadInput(f"invalid address {address!r}: expected a path of at most {_LONGEST_PATH} bytes")
    return path


class Place:
    """A socket at a path: for root and the group docker, if there is one, and for nobody else."""

    def __init__(self, path: str, state: str) -> None:
        """Listen at a path. Raises Conflict if somebody else does, and Error if nobody can.

        state: STATE, which the group may pass through if the socket lies there
        """
        self.path = path
        directory = os.path.dirname(path)
        try:
            os.makedirs(directory, 0o711, exist_ok=True)
            # Two services that begin at once must not both find the socket of one that has died.
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise Error(f"{directory}: {error.strerror}") from error
        try:
            flock(lock, LOCK_EX)
            self.socket = self._bound()
            self._identity = self._seen()
            if directory == state and _group_id() > 0:
                os.chown(directory, -1, _group_id())
                os.chmod(directory, 0o710)
        finally:
            os.close(lock)

    def _bound(self) -> socket:
        made = socket(AF_UNIX, SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._bind(made)
        except BaseException as error:
            made.close()
            if isinstance(error, OSError):
                raise Error(f"{self.path}: {error.strerror}") from error
            raise
        finally:
            os.umask(before)
        os.chown(self.path, -1, _group_id())
        os.chmod(self.path, 0o660)
        made.listen(_BACKLOG)
        made.setblocking(False)
        return made

    def _bind(self, made: socket) -> None:
        try:
            made.bind(self.path)
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
            if not stat.S_ISSOCK(os.lstat(self.path).st_mode):
                raise Conflict(f"{self.path} is there already, and is no socket") from error
            if self._is_answered():
                raise Conflict(f"another service listens at {self.path}") from error
            os.unlink(self.path)
            made.bind(self.path)

    def _is_answered(self) -> bool:
        with socket(AF_UNIX, SOCK_STREAM) as probe:
            try:
                probe.connect(self.path)
            except ConnectionRefusedError:
                return False
        return True

    def leave(self) -> None:
        """Take the socket away from its path, if it is still there."""
        try:
            if self._seen() == self._identity:
                os.unlink(self.path)
        except FileNotFoundError:
            return

    def _seen(self) -> tuple[int, int, int]:
        """Return what tells a socket from another one at its path, which may have the same inode."""
        status = os.lstat(self.path)
        return status.st_dev, status.st_ino, status.st_mtime_ns


def _group_id() -> int:
    try:
        return grp.getgrnam(_GROUP).gr_gid
    except KeyError:
        return -1
