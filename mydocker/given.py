"""Read the text that a caller gives in a file or a stream: whole, but not without end."""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

# In bytes: more than any such text has, and far less than memory.
TEXT_MAX = 4 << 20


def read_all(stream: BinaryIO) -> bytes:
    """Return what is left of a stream. Raises BadInput if that is more than TEXT_MAX bytes."""
    data = stream.read(TEXT_MAX + 1)
    if len(data) > TEXT_MAX:
        raise BadInput(f"more than {TEXT_MAX} bytes")
    return data
