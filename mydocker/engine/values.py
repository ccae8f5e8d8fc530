"""Values of flags, in docker's notations. Each parser raises BadInput that names the value and what was expected."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from mydocker.errors import BadInput

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}

_ULIMIT_NAMES = "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack"
_ULIMITS = _ULIMIT_NAMES.split()

# In the order of their numbers, from 1 (signal(7), x86 and arm).
_SIGNAL_NAMES = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG "
    "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_SIGNALS = {name: number for number, name in enumerate(_SIGNAL_NAMES.split(), 1)}
_RTMIN, _RTMAX = 34, 64


def size(text: str) -> int:
    """Return bytes of '64m', '1.5g', '512k', '100' (powers of 1024; a trailing b or ib may follow the unit)."""
    number = text.strip().lower()
    for ending in ("ib", "b"):
        if len(number) > len(ending) and number.endswith(ending) and not number[: -len(ending)].endswith("i"):
            number = number[: -len(ending)]
            break
    unit = number[-1:] if number[-1:].isalpha() else ""
    try:
        return int(float(number[: len(number) - len(unit)]) * _UNITS[unit])
    except (KeyError, ValueError, OverflowError) as error:
        raise BadInput(f"invalid size {text!r}: expected a number with b, k, m or g") from error


def positive_size(text: str) -> int:
    """Return bytes, at least 0; '-1' is not one of them."""
    value = size(text)
    if value < 0:
        raise BadInput(f"invalid size {text!r}: expected 0 or more")
    return value


def swap(text: str) -> int:
    """Return bytes of memory and swap together, -1 for no limit."""
    return -1 if text.strip() == "-1" else positive_size(text)


def cpus(text: str) -> float:
    """Return a number of CPUs, more than 0 and no more than this machine has."""
    try:
        value = float(text)
    except ValueError as error:
        raise BadInput(f"invalid number of CPUs {text!r}: expected a decimal number") from error
    available = os.cpu_count() or 1
    if not 0.01 <= value <= available:
        raise BadInput(f"invalid number of CPUs {text!r}: expected 0.01 to {available}.00, as many as there are")
    return value


def id_list(text: str) -> str:
    """Check a list such as '0-2,7' of CPUs or memory nodes."""
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and (not last.isdigit() or int(last) < int(first))):
            raise BadInput(f"invalid list {text!r}: expected numbers and ranges such as 0-2,7")
    return text


def integer(name: str, low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from low to high."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError as error:
            raise BadInput(f"invalid {name} {text!r}: expected a whole number") from error
        if not low <= value <= high:
            raise BadInput(f"invalid {name} {text!r}: expected {low} to {high}")
        return value

    return parse


def ulimit(text: str) -> dict[str, object]:
    """Return an OCI rlimit {type, soft, hard} of 'NAME=SOFT[:HARD]'; -1 and unlimited are no limit."""
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
    if not text.isdigit():
        raise BadInput(f"invalid ulimit {whole!r}: expected NAME=SOFT[:HARD] with whole numbers")
    return int(text)


def signal(text: str) -> int:
    """Return the number of 'TERM', 'SIGTERM', '15' or 'RTMIN+3'."""
    name = text.upper().removeprefix("SIG")
    if name in _SIGNALS:
        return _SIGNALS[name]
    number = int(name) if name.isdigit() else _real_time(name)
    if not 1 <= number <= _RTMAX:
        raise BadInput(f"invalid signal {text!r}: expected a name such as TERM or a number from 1 to {_RTMAX}")
    return number


def _real_time(name: str) -> int:
    for base, start, sign in (("RTMIN", _RTMIN, "+"), ("RTMAX", _RTMAX, "-")):
        if name == base:
            return start
        if name.startswith(base + sign) and name[6:].isdigit():
            return start + int(sign + name[6:])
    return 0


def detach_keys(text: str) -> bytes:
    """Return the bytes of 'ctrl-p,ctrl-q' or 'a,b,ctrl-]'."""
    result = b""
    for key in text.split(",") if text else []:
        letter = key.removeprefix("ctrl-")
        if len(letter) != 1 or not letter.isascii():
            raise BadInput(f"invalid detach keys {text!r}: expected letters or ctrl-X with X from a-z @ ^ [ \\ ] _, with commas between")
        result += letter.encode() if key == letter else bytes([ord(letter.upper()) & 0x1F])
    return result


def pair(text: str) -> tuple[str, str]:
    """Return (key, value) of 'KEY=VALUE' or 'KEY'."""
    key, _, value = text.partition("=")
    if not key:
        raise BadInput(f"invalid value {text!r}: expected KEY=VALUE")
    return key, value


def environment(settings: tuple[str, ...], files: tuple[str, ...]) -> list[str]:
    """Return KEY=VALUE lines of --env-file and -e, in this order; a bare KEY takes the caller's value if it has one."""
    result = []
    for text in [*(line for path in files for line in _env_lines(path)), *settings]:
        key, equals, _value = text.partition("=")
        if not key or "\0" in text:
            raise BadInput(f"invalid environment variable {text!r}: expected NAME=VALUE")
        if equals:
            result.append(text)
        elif key in os.environ:
            result.append(f"{key}={os.environ[key]}")
    return result


def _env_lines(path: str) -> list[str]:
    lines = []
    for line in read_text(path, "environment file").splitlines():
        text = line.lstrip()
        if text and not text.startswith("#"):
            if any(c.isspace() for c in text.partition("=")[0]):
                raise BadInput(f"environment file {path!r}: variable {text!r} contains whitespace in its name")
            lines.append(text)
    return lines


def read_text(path: str, what: str) -> str:
    """Return a file's text; BadInput names what it was to be."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        raise BadInput(f"{what} {path!r}: {error.strerror}") from error


def device_rate(text: str, is_size: bool) -> dict[str, int]:
    """Return an OCI throttle device {major, minor, rate} of 'PATH:RATE'."""
    path, colon, rate = text.rpartition(":")
    if not colon or not (is_size or rate.isdigit()):
        raise BadInput(f"invalid device rate {text!r}: expected PATH:{'SIZE per second' if is_size else 'OPERATIONS per second'}")
    return {**block_device(path), "rate": positive_size(rate) if is_size else int(rate)}


def device_weight(text: str) -> dict[str, int]:
    """Return an OCI weight device {major, minor, weight} of 'PATH:WEIGHT'."""
    path, _, weight = text.rpartition(":")
    return {**block_device(path), "weight": integer("weight", 10, 1000)(weight)}


def block_device(path: str) -> dict[str, int]:
    """Return {major, minor} of a device node of the host."""
    number = _node(path).st_rdev
    return {"major": os.major(number), "minor": os.minor(number)}


def _node(path: str) -> os.stat_result:
    try:
        status = os.stat(path)
    except OSError as error:
        raise BadInput(f"device {path!r}: {error.strerror}") from error
    if not (stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode)):
        raise BadInput(f"device {path!r}: expected a device node of this host")
    return status


def devices(text: str) -> list[tuple[dict[str, object], dict[str, object]]]:
    """Return (OCI device, OCI device rule) pairs of 'HOST[:CONTAINER[:rwm]]'; of a directory, those of all nodes in it."""
    host, _, rest = text.partition(":")
    inside, _, access = rest.partition(":")
    if inside and not inside.startswith("/") and not access:
        inside, access = "", inside
    if access and (set(access) - set("rwm")):
        raise BadInput(f"invalid device {text!r}: expected HOST[:CONTAINER[:PERMISSIONS]] with permissions of r, w and m")
    if os.path.isdir(host):
        return _device_directory(host, inside or host, access or "rwm")
    return [device(host, inside or host, access or "rwm")]


def _device_directory(host: str, inside: str, access: str) -> list[tuple[dict[str, object], dict[str, object]]]:
    found = []
    for directory, _, names in os.walk(host):
        for name in sorted(names):
            path = f"{directory}/{name}"
            if stat.S_ISBLK(mode := os.lstat(path).st_mode) or stat.S_ISCHR(mode):
                found.append(device(path, inside + path[len(host) :], access))
    return found


def device(host: str, inside: str, access: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return the OCI device and device rule that give a container this node of the host."""
    status = _node(host)
    kind = "b" if stat.S_ISBLK(status.st_mode) else "c"
    numbers: dict[str, object] = {"major": os.major(status.st_rdev), "minor": os.minor(status.st_rdev)}
    node = {"path": inside, "type": kind, **numbers, "fileMode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
    return node, {"allow": True, "type": kind, **numbers, "access": access}


def device_rule(text: str) -> dict[str, object]:
    """Return the OCI device rule of 'c 1:3 rwm' (a, b or c; * for any number)."""
    words = text.split()
    numbers = words[1].split(":") if len(words) == 3 else []
    fine = (
        len(numbers) == 2
        and words[0] in ("a", "b", "c")
        and all(n == "*" or n.isdigit() for n in numbers)
        and not set(words[2]) - set("rwm")
    )
    if not fine:
        raise BadInput(f"invalid device cgroup rule {text!r}: expected TYPE MAJOR:MINOR PERMISSIONS such as 'c 1:3 rwm'")
    rule: dict[str, object] = {"allow": True, "type": words[0], "access": words[2]}
    for key, number in zip(("major", "minor"), numbers, strict=True):
        if number != "*":
            rule[key] = int(number)
    return rule
