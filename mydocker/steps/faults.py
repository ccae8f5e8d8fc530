"""Faults that tests inject: a process kills itself after a step, or a step fails instead of being done.

MYDOCKER_CRASH_AFTER=[WHO:]N: SIGKILL right after the Nth step of that process; without WHO, of any process.
MYDOCKER_FAIL_AT=[WHO:]N:ERRNO: the Nth step raises OSError with that number of the module errno.
MYDOCKER_DELAY=ACT:MESSAGE:SECONDS: a message is late, see messages.passing(). Only its value is checked here.
"""

from __future__ import annotations

from errno import errorcode

from mydocker.errors import BadInput
from mydocker.messages import parse_delay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    # (who, number of the step, errno). An empty who is any process, and errno 0 is a crash. A tuple, so that a message can carry it.
    Fault = tuple[str, int, int]

_WHO = ("", "cli", "api", "monitor", "init", "runtime")


def injected(environment: Mapping[str, str]) -> tuple[Fault, ...]:
    """Return the faults that the environment asks for. Raises BadInput for a value that is none."""
    faults: list[Fault] = []
    if delay := environment.get("MYDOCKER_DELAY"):
        parse_delay(delay)
    if crash := environment.get("MYDOCKER_CRASH_AFTER"):
        faults.append(_fault(crash, 0) or _refuse(f"MYDOCKER_CRASH_AFTER {crash!r}: expected [WHO:]N"))
    if failure := environment.get("MYDOCKER_FAIL_AT"):
        place, _, name = failure.rpartition(":")
        number = {name: number for number, name in errorcode.items()}.get(name)
        faults.append((number and _fault(place, number)) or _refuse(f"MYDOCKER_FAIL_AT {failure!r}: expected [WHO:]N:ERRNO"))
    return tuple(faults)


def _fault(place: str, error: int) -> Fault | None:
    who, _, number = place.rpartition(":")
    return (who, int(number), error) if who in _WHO and number.isascii() and number.isdigit() else None


def _refuse(why: str) -> Fault:
    raise BadInput(f"{why}, WHO being one of {', '.join(_WHO[1:])}")
