"""A blob of a registry as a stream. If the connection breaks, the stream goes on at the same byte with a new one."""

from __future__ import annotations

import time

from urllib3.exceptions import HTTPError

from mydocker.errors import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse as Response

    from mydocker.images.documents import Descriptor
    from mydocker.images.registry import Repository

_CHUNK = 1 << 18
# How often in a row a connection may end without one more byte. The pauses between them double, from half a second.
_MOST_FAILURES = 5


class Download:
    """A file to read a blob from. `with` closes the connection.

    read() raises Unreachable if connections keep breaking, and Denied or NotFound if the registry says so.
    """

    def __init__(self, repository: Repository, descriptor: Descriptor) -> None:
        self._repository = repository
        self._descriptor = descriptor
        self._position = 0
        self._failures = 0
        self._response: Response | None = None

    def __enter__(self) -> Download:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._response:
            self._response.close()
            self._response = None

    def read(self, size: int = -1, /) -> bytes:
        while self._position < self._descriptor["size"]:
            data = self._piece(size if size > 0 else _CHUNK)
            if data:
                self._position += len(data)
                self._failures = 0
                return data
        return b""

    def _piece(self, size: int) -> bytes:
        """Return the next bytes of the connection. If the connection ended, return none, and the next call opens another one."""
        cause: Exception | None = None
        try:
            if self._response is None:
                self._response = self._repository.open_blob(self._descriptor, self._position)
            data: bytes = self._response.read(size)
            if data:
                return data
        except (HTTPError, OSError) as error:
            cause = error
        self._failures += 1
        if self._failures > _MOST_FAILURES:
            where = f"at byte {self._position} of {self._descriptor['size']}"
            host, digest = self._repository.endpoint.host, self._descriptor["digest"]
            raise Unreachable(f"{host}: the connection for blob {digest} ended {self._failures} times {where}") from cause
        self.__exit__()
        time.sleep(2**self._failures / 4)
        return b""
