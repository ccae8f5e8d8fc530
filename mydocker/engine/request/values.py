"""Parsers of the values of flags, in docker's notations.

A parser raises BadInput, which names the value and says what was expected. Only number() and decimal() return None instead.
"""

from __future__ import annotations

import os

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.runtime.spec import IdMapping, Rlimit

_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_MULTIPLES = {"": 1, "b": 1} | {unit + ending: factor for unit, factor in _UNITS.items() for ending in ("", "b", "ib")}
_LARGEST = 2**63 - 1

_ULIMIT_NAMES = "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack"
_ULIMITS = _ULIMIT_NAMES.split()

# The signals in the order of their numbers, from 1 (signal(7), x86 and arm).
_SIGNAL_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG "
    "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_SIGNALS = {name: value for value, name in enumerate(_SIGNAL_NAMES.split(), 1)} | {
    "IOT": 6,
    "CLD": 17,
    "POLL": 29,
    "RTMIN": 34,
    "RTMAX": 64,
}
_RTMIN, _RTMAX = 34, 64
_CONTROL_KEYS = "abcdefghijklmnopqrstuvwxyz@[\\]^_"


def number(text: str) -> int | None:
    """Return a whole number in ASCII digits that 64 bits hold, or None for anything else. (int() also takes '1_0', '٣' and ' 1'.)"""
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else -1
    return value if 0 <= value < 2**64 else None


def decimal(text: str) -> float | None:
    """Return a number such as '12' or '1.5', or None for anything else. (float() also takes 'nan', '1e3' and '1_0'.)"""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    return float(text) if digits.isascii() and digits.isdigit() else None


def size(text: str) -> int:
    """Return the bytes that '64m', '1.5g', '512 KiB' or '100' means. The units are powers of 1024."""
    lowered = text.strip().lower()
    figures = lowered.rstrip("bikmgtp")
    digits, factor = figures.rstrip(" "), _MULTIPLES.get(lowered[len(figures) :])
    value = decimal(digits) if "." in digits else number(digits)
    if value is None or factor is None or value * factor > _LARGEST:
        raise BadInput(f"invalid size {text!r}: expected a number with b, k, m, g or t")
    return int(value * factor)


def swap(text: str) -> int:
    """Return the bytes of memory and swap together, or -1 for no limit."""
    return -1 if text.strip() == "-1" else size(text)


def cpus(text: str) -> float:
    """Return a number of CPUs, which is not more than this machine has. 0 means no limit."""
    value, available = decimal(text), os.cpu_count() or 1
    if value is None or (value and not 0.01 <= value <= available):
        raise BadInput(f"invalid number of CPUs {text!r}: expected 0.01 to {available}.00, as many as there are")
    return value


def id_list(text: str) -> str:
    """Return a list of CPUs or memory nodes, such as '0-2,7', as it is written."""
    ranges(text)
    return text


def ranges(text: str) -> list[tuple[int, int]]:
    """Return the (first, last) pairs that a list such as '0-2,7' means."""
    found = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        first, last = number(low), number(high if dash else low)
        if first is None or last is None or first > last:
            raise BadInput(f"invalid list {text!r}: expected numbers and ranges such as 0-2,7")
        found.append((first, last))
    return found


def within(asked: str, available: str) -> bool:
    """Say whether every number of one list is in another list.

    available: the other list, as the kernel prints it: sorted, and each range whole.
    """
    return all(any(low <= first and last <= high for low, high in ranges(available)) for first, last in ranges(asked))


def integer(name: str, low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`.

    name: what the number is, for the error.
    """

    def parse(text: str) -> int:
        value = number(text.removeprefix("-"))
        if value is None:
            raise BadInput(f"invalid {name} {text!r}: expected a whole number")
        value = -value if text.startswith("-") else value
        if not low <= value <= high:
            raise BadInput(f"invalid {name} {text!r}: expected {low} to {high}")
        return value

    return parse


def or_zero(parse: Callable[[str], int]) -> Callable[[str], int | None]:
    """Return a parser that also takes 0, with which docker means that a limit is not set, and then returns None."""
    return lambda text: None if text == "0" else parse(text)


def ulimit(text: str) -> Rlimit:
    """Return the OCI rlimit {type, soft, hard} that 'NAME=SOFT[:HARD]' means. -1 and unlimited mean no limit."""
    name, equals, values = text.partition("=")
    if not equals or name not in _ULIMITS:
        raise BadInput(f"invalid ulimit {text!r}: expected NAME=SOFT[:HARD] with NAME one of {_ULIMIT_NAMES}")
    soft_text, _, hard_text = values.partition(":")
    soft, hard = _limit(text, soft_text), _limit(text, hard_text or soft_text)
    if soft > hard:
        raise BadInput(f"invalid ulimit {text!r}: the soft limit is above the hard one")
    return {"type": f"RLIMIT_{name.upper()}", "soft": soft, "hard": hard}


def _limit(whole: str, text: str) -> int:
    if text in ("-1", "unlimited"):
        return 2**64 - 1
    value = number(text)
    if value is None:
        raise BadInput(f"invalid ulimit {whole!r}: expected NAME=SOFT[:HARD] with whole numbers")
    return value


def id_mapping(text: str) -> IdMapping:
    """Return the OCI id mapping {containerID, hostID, size} that 'CONTAINER-ID:HOST-ID:SIZE' means."""
    numbers = [number(part) for part in text.split(":")]
    inside, outside, count = numbers if len(numbers) == 3 else (None, None, None)
    if inside is None or outside is None or not count or max(inside, outside) + count > 2**32 - 1:
        raise BadInput(f"invalid user namespace {text!r}: expected host, auto or CONTAINER-ID:HOST-ID:SIZE")
    return {"containerID": inside, "hostID": outside, "size": count}


def signal(text: str) -> int:
    """Return the number of a signal such as 'TERM', 'SIGTERM', '15' or 'RTMIN+3'."""
    name = text.upper().removeprefix("SIG")
    value = number(text) if text.isdigit() else _SIGNALS.get(name) or _real_time(name)
    if value is None or not 1 <= value <= _RTMAX:
        raise BadInput(f"invalid signal {text!r}: expected a name such as TERM or a number from 1 to {_RTMAX}")
    return value


def _real_time(name: str) -> int | None:
    for prefix, start, sign in (("RTMIN+", _RTMIN, 1), ("RTMAX-", _RTMAX, -1)):
        offset = number(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if offset is not None and offset <= _RTMAX - _RTMIN:
            return start + sign * offset
    return None


def restart(text: str) -> tuple[str, int]:
    """Return the name of a restart policy (no, on-failure:N, always or unless-stopped), and how often it restarts, 0 for no limit."""
    name, colon, count = text.partition(":")
    most = number(count) if colon else 0
    if name not in ("no", "on-failure", "always", "unless-stopped") or most is None or (colon and name != "on-failure"):
        raise BadInput(f"invalid restart policy {text!r}: expected no, on-failure[:N], always or unless-stopped")
    return name, most


def detach_keys(text: str) -> bytes:
    """Return the bytes that a terminal sends for keys such as 'ctrl-p,ctrl-q' or 'a,b,ctrl-]'."""
    return b"".join(_key(text, key) for key in text.split(",")) if text else b""


def _key(whole: str, key: str) -> bytes:
    if key == "DEL":
        return b"\x7f"
    if len(key) == 1 and key.isascii():
        return key.encode()
    letter = key.removeprefix("ctrl-")
    if len(letter) != 1 or letter not in _CONTROL_KEYS:
        raise BadInput(f"invalid detach keys {whole!r}: expected letters, DEL or ctrl-X with X from a-z @ ^ [ \\ ] _, with commas between")
    return bytes([ord(letter.upper()) & 0x1F])


def pair(text: str) -> tuple[str, str]:
    """Return the key and the value of 'KEY=VALUE' or 'KEY'."""
    key, _, value = text.partition("=")
    if not key or "\0" in text:
        raise BadInput(f"invalid value {text!r}: expected KEY=VALUE")
    return key, value


def setting(text: str) -> tuple[str, str]:
    """Return the key and the value of 'KEY=VALUE'. A bare KEY is refused, because it would mean nothing."""
    if "=" not in text:
        raise BadInput(f"invalid value {text!r}: expected KEY=VALUE")
    return pair(text)
