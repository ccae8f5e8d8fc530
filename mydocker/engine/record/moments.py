"""Points in time as docker's --since and --until take them."""

from __future__ import annotations

import re
import time
from datetime import datetime

from mydocker.engine.record.log import timestamp
from mydocker.errors import BadInput

_UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_FRACTION = re.compile(r"\.(\d{1,9})(?!\d)")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)")


def duration(text: str) -> int | None:
    """Return the nanoseconds of '1h30m' or '1.5s' (Go's durations), None for anything else."""
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(round(float(number) * _UNITS[unit]) for number, unit in parts)


def moment(text: str, now: int | None = None) -> str:
    """Return a time in RFC 3339 with nanoseconds, UTC; see nanoseconds()."""
    return timestamp(nanoseconds(text, now))


def nanoseconds(text: str, now: int | None = None) -> int:
    """Return ns since 1970 of a time in RFC 3339, of seconds since 1970, or of a span before now (ns since 1970)."""
    span = duration(text)
    if span is not None:
        return (time.time_ns() if now is None else now) - span
    whole, _, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and (not fraction or fraction.isdigit()):
        return int(whole) * 10**9 + int(fraction[:9].ljust(9, "0"))
    try:
        # datetime knows microseconds only. A time without a zone is the user's own.
        digits = found[1] if (found := _FRACTION.search(text)) else ""
        seconds = datetime.fromisoformat(_FRACTION.sub("", text)).timestamp()
        return int(seconds) * 10**9 + int(digits.ljust(9, "0"))
    except ValueError as error:
        raise BadInput(f"invalid time {text!r}: expected RFC 3339, seconds since 1970 or a span such as 10m") from error
