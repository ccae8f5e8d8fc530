"""Which capabilities a container gets: docker's defaults, and docker's rules for --cap-add and --cap-drop."""

from __future__ import annotations

from mydocker.errors import BadInput, Unsupported
from mydocker.kernel.capabilities import NUMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SYS_CHROOT",
    "CAP_MKNOD",
    "CAP_AUDIT_WRITE",
    "CAP_SETFCAP",
)
ALL = "ALL"


def select(add: list[str], drop: list[str], privileged: bool, available: Iterable[str]) -> list[str]:
    """Return a container's capabilities by name, in the order of their numbers.

    add: what --cap-add names. ALL means all that are available.
    drop: what --cap-drop names.
    available: what this process may hand on (kernel.capabilities.available).

    With --cap-add ALL, the container gets all but the dropped ones. With --cap-drop ALL, it gets only the added ones. Otherwise a
    capability that is both added and dropped stays.
    Raises BadInput for a name that no kernel knows, Unsupported for an added capability that is not available.
    """
    here = set(available)
    added, dropped = _normalized(add), _normalized(drop)
    if missing := sorted(added - here - {ALL}):
        raise Unsupported(f"capability {missing[0]!r} is not available on this host")
    return sorted(here & _chosen(added, dropped, privileged, here), key=NUMBERS.__getitem__)


def _chosen(added: set[str], dropped: set[str], privileged: bool, here: set[str]) -> set[str]:
    if privileged:
        return here
    if ALL in added:
        return here - dropped
    if ALL in dropped:
        return added
    return (set(DEFAULT) - dropped) | added


def _normalized(names: list[str]) -> set[str]:
    return {_normalize(name) for name in names}


def _normalize(name: str) -> str:
    upper = name.upper()
    if upper == ALL:
        return ALL
    full = upper if upper.startswith("CAP_") else "CAP_" + upper
    if full not in NUMBERS:
        raise BadInput(f"unknown capability {name!r}", "capabilities(7) lists them; CAP_ may be left out, ALL means all")
    return full
