"""The line from a monitor to the client that asked for something, which may hang up at any time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.kernel.channel import Channel, Value


class Line:
    """channel: None once the client is gone."""

    __slots__ = ("channel",)

    def __init__(self, channel: Channel | None) -> None:
        self.channel = channel

    def tell(self, kind: str, value: Value) -> None:
        """Send one message, if there still is somebody to read it."""
        if self.channel:
            try:
                self.channel.put(kind, value)
            except (BrokenPipeError, ConnectionResetError):
                self.channel.close()
                self.channel = None

    def tell_step(self, value: Value) -> None:
        """Pass on an explain record."""
        self.tell("X", value)
