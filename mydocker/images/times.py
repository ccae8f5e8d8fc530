"""Times in the form that images have them: RFC 3339."""

from __future__ import annotations

import time

# The last day of each month. _is_date() treats 29 February by itself.
_LAST_DAYS = {"01": "31", "02": "28", "03": "31", "04": "30", "05": "31", "06": "30"}
_LAST_DAYS |= {"07": "31", "08": "31", "09": "30", "10": "31", "11": "30", "12": "31"}


def now() -> str:
    """Return the current time: RFC 3339, UTC, with microseconds."""
    nanoseconds = time.time_ns()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9)) + f".{nanoseconds % 10**9 // 1000:06d}Z"


def is_time(text: str) -> bool:
    """Say whether a text is a time by RFC 3339, such as 2024-01-02T03:04:05.678Z or 2024-01-02T03:04:05+01:00."""
    # A start checks the dozens of times in an image's history, and has no time to import datetime.
    marks = text[4:5] + text[7:8] + text[10:11] + text[13:14] + text[16:17]
    digits = text[:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19]
    if marks != "--T::" or len(digits) != 14 or not _is_number(digits):
        return False
    is_clock = digits[8:10] < "24" and digits[10:12] < "60" and digits[12:] < "60"
    return is_clock and _is_date(digits[:4], digits[4:6], digits[6:8]) and _is_zone(text[19:])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_date(year: str, month: str, day: str) -> bool:
    if year == "0000":
        return False
    if month + day == "0229":
        return int(year) % 4 == 0 and (int(year) % 100 != 0 or int(year) % 400 == 0)
    return "01" <= day <= _LAST_DAYS.get(month, "00")


def _is_zone(text: str) -> bool:
    """Say whether a text is how a time ends: perhaps a fraction of a second, then the zone."""
    if text[:1] == "." and _is_number(text[1:2]):
        text = text[1:].lstrip("0123456789")
    if text == "Z":
        return True
    hours, minutes = text[1:3], text[4:]
    is_form = len(text) == 6 and text[0] in "+-" and text[3] == ":" and _is_number(hours + minutes)
    return is_form and hours < "24" and minutes < "60"
