"""How a run of a container ended: its record and its events."""

from __future__ import annotations

from mydocker.engine.monitor import restart
from mydocker.engine.record import containers, events
from mydocker.engine.record.moments import timestamp
from mydocker.network import attachments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths


def write(paths: Paths, record: Record, status: int, ran: float, is_oom: bool, lost: str) -> None:
    """Change the record of a run that has ended, save it, and write the events. With --rm it is not saved: the container goes next.

    status: the exit status
    ran: for how many seconds
    is_oom: whether the kernel killed a process of it for its memory
    lost: why the log is not whole, '' if it is
    """
    record |= {"status": "exited", "pid": 0, "exitCode": status, "finishedAt": timestamp(), "error": lost, "oomKilled": is_oom}
    if restart.is_wanted(record):
        delay = restart.next_delay(record["restartDelay"], ran)
        record |= {"status": "restarting", "restartDelay": delay, "restartCount": record["restartCount"] + 1}
    if not restart.is_last(record):
        containers.save(paths, record)
    if is_oom:
        events.of_container(paths, record, "oom")
    events.of_container(paths, record, "die", execDuration=int(ran), exitCode=status)
    attachment = attachments.load(paths, record["id"])
    if attachment:
        events.of_networks(paths, attachment, record["id"], "disconnect")
    events.of_mounts(paths, record, "unmount")
