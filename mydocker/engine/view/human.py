"""Write sizes and times as docker shows them to people."""

from __future__ import annotations

from mydocker.errors import Damaged

try:
    from _datetime import UTC, datetime  # type: ignore[import-not-found]  # the module around it takes 2 ms
except ImportError:  # pragma: no cover - an interpreter without it
    from datetime import UTC, datetime

_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def size(count: int) -> str:
    """Return a number of bytes in decimal units with three significant digits: '4.26MB'."""
    value, unit = float(count), 0
    # A number that would be rounded to 1e+03 belongs to the next unit.
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g}{_UNITS[unit]}"


def binary_size(count: int) -> str:
    """Return a number of bytes in binary units with four significant digits: '1.953GiB'."""
    value, unit = float(count), 0
    while value >= 1023.95 and unit < len(_BINARY_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.4g}{_BINARY_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a time span in its largest unit: '2 hours', 'About a minute'."""
    minutes, hours = int(seconds // 60), int(seconds / 3600 + 0.5)
    if seconds < 60:
        return {0: "Less than a second", 1: "1 second"}.get(int(seconds), f"{int(seconds)} seconds")
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    return _long_duration(hours)


def _long_duration(hours: int) -> str:
    days = hours // 24
    for limit, length, unit in ((14, 1, "days"), (60, 7, "weeks"), (730, 30, "months")):
        if days < limit:
            return f"{days // length} {unit}"
    return f"{days // 365} years"


def parse_time(text: str) -> datetime:
    """Return the time that an RFC 3339 text means. Raises Damaged if the text is not one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Damaged(f"invalid time {text!r}: expected RFC 3339") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clock(text: str, exact: bool = False) -> str:
    """Return an RFC 3339 time as Go prints one, in this machine's zone: '2026-11-29 13:55:05 +0000 UTC'. '' is ''.

    exact: with its fraction of a second, as far as it has one
    """
    if not text:
        return ""
    moment = parse_time(text).astimezone()
    zone = moment.tzname()
    fraction = text.partition(".")[2].rstrip("Z").partition("+")[0].partition("-")[0].rstrip("0") if exact else ""
    return f"{moment.year:04}{moment:-%m-%d %H:%M:%S}{'.' if fraction else ''}{fraction} {moment:%z} {'UTC' if zone == 'GMT' else zone}"


def since(text: str, now: datetime | None = None) -> str:
    """Return how long ago an RFC 3339 time was: '2 hours ago'. It is 'N/A' for '' and for Go's zero time."""
    if not text or text.startswith("0001-"):
        return "N/A"
    past = (now or datetime.now(UTC)) - parse_time(text)
    return f"{duration(max(past.total_seconds(), 0))} ago"
