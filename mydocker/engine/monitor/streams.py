"""The standard streams of a process that a monitor starts, and where its output is kept.

The streams are pipes. A process with a terminal has /dev/null until its terminal is there.
"""

from __future__ import annotations

import os

from mydocker.engine.record.log import Log
from mydocker.messages import ERRORS, INPUT, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.runtime.spec import Spec


class Streams:
    """The two ends of the standard streams of one process. spec: what it is started with"""

    __slots__ = ("theirs", "ours", "owner")

    def __init__(self, spec: Spec, has_input: bool) -> None:
        self.owner = _owner(spec)
        self.ours: dict[int, str] = {}  # our ends by descriptor: INPUT, OUTPUT or ERRORS
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.theirs = (null, null, null)  # the descriptors that become 0, 1 and 2 of the process
        if not spec["process"]["terminal"]:
            stdin = self._pipe(INPUT) if has_input else null
            self.theirs = (stdin, self._pipe(OUTPUT), self._pipe(ERRORS))
            if has_input:
                os.close(null)

    def _pipe(self, kind: str) -> int:
        """Make a pipe, keep our end, and return the other one."""
        read, write = os.pipe()
        mine, other = (write, read) if kind == INPUT else (read, write)
        self.ours[mine] = kind
        if self.owner:
            os.fchown(other, self.owner, self.owner)
        return other

    def close_theirs(self) -> None:
        """Close the ends that the process has by now. Otherwise nobody would ever see the end of its output."""
        for descriptor in set(self.theirs):
            os.close(descriptor)

    def outputs(self, master: int) -> dict[int, str]:
        """Return the descriptors to read output from: {descriptor: OUTPUT or ERRORS}.

        master: the terminal's, -1 without one.
        """
        return {master: OUTPUT} if master >= 0 else {fd: kind for fd, kind in self.ours.items() if kind != INPUT}

    def input(self, master: int) -> int:
        """Return the descriptor to write input to, or -1 if there is none."""
        return master if master >= 0 else next((fd for fd, kind in self.ours.items() if kind == INPUT), -1)


def _owner(spec: Spec) -> int:
    """Return what root in the container is on the host, user and group alike.

    In a user namespace, a pipe of the host's root can be neither opened nor given away.
    """
    return next((each["hostID"] for each in spec["linux"].get("uidMappings", []) if each["containerID"] == 0), 0)


# docker's local driver is its json-file with limits and files of its own form. Ours has the limits. Beside a log that goes elsewhere, too,
# docker keeps one with the same limits, so that `logs` works.
_LOCAL = {"max-size": "20m", "max-file": "5"}
# The options that give the entries of a log no attributes.
_WITHOUT_ATTRIBUTES = {"max-size", "max-file", "compress"}


def log_of(record: Record, path: str) -> Log | None:
    """Return the log that keeps a container's output, or None with --log-driver none."""
    config = record["hostConfig"]["LogConfig"]
    if config["Type"] == "none":
        return None
    wanted = {**({} if config["Type"] == "json-file" else _LOCAL), **config["Config"]}
    extra: dict[str, str] = {}
    if config["Type"] == "json-file" and wanted.keys() - _WITHOUT_ATTRIBUTES:
        from mydocker.engine.record import attributes

        extra = attributes.of(record)
    if "max-size" not in wanted:
        return Log(path, attributes=extra)  # one file without end, however many there might be
    from mydocker.engine.request.values import size  # imported here, as it takes 2 ms and only rotation needs it

    limits = size(wanted["max-size"]), int(wanted.get("max-file", "1"))
    if config["Type"] in ("json-file", "local"):
        return Log(path, *limits, extra)
    from mydocker.engine.record.forward import Forwarding, sender_of

    return Forwarding(path, *limits, sender_of(record))
