"""The keys with which a user leaves a container's terminal, and the container goes on."""

from __future__ import annotations


class DetachKeys:
    """Looks for the keys in what a user types."""

    __slots__ = ("keys", "matched", "_count")

    def __init__(self, keys: bytes) -> None:
        self.keys = keys  # b'' for none
        self.matched = False  # they were typed
        self._count = 0  # how many of them were typed last

    def without(self, data: bytes) -> bytes:
        """Return what is to be sent: everything before the keys.

        A beginning of the keys is held back until it is known whether the rest follows.
        """
        if not self.keys:
            return data
        result = b""
        for byte in data:
            if byte == self.keys[self._count]:
                self._count += 1
                if self._count == len(self.keys):
                    self.matched = True
                    return result
                continue
            result += self.keys[: self._count]
            self._count = int(byte == self.keys[0])
            result += b"" if self._count else bytes([byte])
        return result
