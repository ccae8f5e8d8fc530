"""The body of a request as a file."""

from __future__ import annotations

import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.api.protocol import Connection


class _Body(io.RawIOBase):
    """Reads what a client sends. Raises Gone if the client goes away before the end."""

    def __init__(self, connection: Connection) -> None:
        self._pieces = connection.body()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def upload(connection: Connection) -> io.BufferedReader:
    """Return a stream of the request's body."""
    return io.BufferedReader(_Body(connection), 1 << 18)
