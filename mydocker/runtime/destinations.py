"""The check of where a mount may go."""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Mount

# These files inside /proc may be mounted over. They describe the machine, and lxcfs replaces them.
_PROC_FILES = ("cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo", "net/dev", "sys/kernel/ns_last_pid")


def check_destination(mount: Mount, is_bind: bool) -> None:
    """Raise BadInput for a mount inside /proc, and for anything but proc or a bind on /proc itself.

    What is written below /proc later could go anywhere (CVE-2019-16884, CVE-2025-52881).
    """
    destination = normalised(mount["destination"])
    if destination == "/proc" and mount["type"] != "proc" and not is_bind:
        raise BadInput(f"mount on {destination!r}: only proc itself can be mounted there")
    if destination.startswith("/proc/") and destination[6:] not in _PROC_FILES:
        raise BadInput(f"mount on {destination!r}: it is inside /proc")


def normalised(path: str) -> str:
    """Return an absolute path without '.', '..', empty parts and a trailing slash."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
