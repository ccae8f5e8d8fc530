"""A file that a user asked for (-o FILE): it appears, or is replaced, when it is whole."""

from __future__ import annotations

import os

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO


def write_whole(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Let write() fill a file. Raises BadInput when it cannot be made; what write() raises leaves the file as it was."""
    # A device or a FIFO is written to; only an ordinary file is replaced.
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
        # As docker's: what is new is for its owner alone.
        return open(target, "wb", opener=lambda path, flags: os.open(path, flags, 0o600))
    except OSError as error:
        raise BadInput(f"cannot write {shown!r}: {error.strerror}") from error
