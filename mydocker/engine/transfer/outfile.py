"""A file that a user asked for (-o FILE). It appears, or is replaced, only when it is complete."""

from __future__ import annotations

import os

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO


def write_whole(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Call write() to fill a file. If write() raises an error, the file stays as it was. Raises BadInput if it cannot be made."""
    # Only an ordinary file is replaced. We write into a device or a FIFO as it is.
    replace = not os.path.exists(path) or os.path.isfile(path)
    target = f"{path}.{os.getpid()}.tmp" if replace else path
    with _opened(target, path) as file:
        try:
            write(file)
        except BaseException:
            if replace:
                os.unlink(target)
            raise
    if replace:
        os.rename(target, path)


def _opened(target: str, shown: str) -> BinaryIO:
    try:
        # As with docker, a new file is only for its owner.
        return open(target, "wb", opener=lambda path, flags: os.open(path, flags, 0o600))
    except OSError as error:
        raise BadInput(f"cannot write {shown!r}: {error.strerror}") from error
