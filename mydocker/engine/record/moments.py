"""Points in time: how mydocker writes them, and how docker's --since and --until give them."""

from __future__ import annotations

import time

from mydocker.errors import BadInput

_UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def timestamp(nanoseconds: int | None = None) -> str:
    """Return a time in RFC 3339 with nanoseconds, in UTC.

    nanoseconds: the time in ns since 1970, None for now.
    """
    seconds, rest = divmod(time.time_ns() if nanoseconds is None else nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


def duration(text: str) -> int | None:
    """Return the nanoseconds of one of Go's durations, such as '1h30m' or '1.5s', or None for anything else."""
    import re  # imported here, as the monitor needs only timestamp()

    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(round(float(number) * _UNITS[unit]) for number, unit in parts)


def shown(seconds: float) -> str:
    """Return a duration as Go prints one: '50ms', '1.5s', '2m0s'."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}h{minutes}m{rest:g}s" if hours else f"{minutes}m{rest:g}s" if minutes else f"{rest:g}s"


def moment(text: str, now: int | None = None) -> str:
    """Return the time that a text means (see nanoseconds()) in RFC 3339 with nanoseconds, in UTC."""
    return timestamp(nanoseconds(text, now))


def nanoseconds(text: str, now: int | None = None) -> int:
    """Return the time that a text means, in ns since 1970. Raises BadInput.

    text: a time in RFC 3339, seconds since 1970, or a span before `now`.
    now: in ns since 1970, None for this moment.
    """
    span = duration(text)
    if span is not None:
        return (time.time_ns() if now is None else now) - span
    whole, _, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and (not fraction or fraction.isdigit()):
        return int(whole) * 10**9 + int(fraction[:9].ljust(9, "0"))
    return _from_rfc3339(text)


def _from_rfc3339(text: str) -> int:
    import re
    from datetime import datetime

    # datetime knows only microseconds. A time without a zone is in the user's own zone.
    fraction = re.compile(r"\.(\d{1,9})(?!\d)")
    found = fraction.search(text)
    try:
        seconds = datetime.fromisoformat(fraction.sub("", text)).timestamp()
    except ValueError as error:
        raise BadInput(f"invalid time {text!r}: expected RFC 3339, seconds since 1970 or a span such as 10m") from error
    return int(seconds) * 10**9 + int((found[1] if found else "").ljust(9, "0"))
