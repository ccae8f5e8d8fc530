"""Flags of which several mean one thing together: environment variables, labels, log options and health checks.

The files that hold many variables or labels are read here too.
"""

from __future__ import annotations

import os

from mydocker.engine.request.values import integer, number, pair, size
from mydocker.errors import BadInput
from mydocker.given import read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from mydocker.engine.record.config import Healthcheck
    from mydocker.engine.request.options import Flags

    Duration = Literal["Interval", "Timeout", "StartPeriod", "StartInterval"]


def environment(settings: tuple[str, ...], files: tuple[str, ...]) -> list[str]:
    """Return the NAME=VALUE lines of --env-file and -e, in this order.

    settings: the values of -e.
    files: the paths of --env-file.

    A bare NAME takes the caller's value. Where the caller has none, a file's NAME is left out. A NAME of -e stays bare, and takes the
    image's variable away.
    """
    lines = [line for path in files for line in map(_from_caller, _env_lines(path)) if "=" in line]
    return lines + [_from_caller(text) for text in settings]


def _from_caller(text: str) -> str:
    name, equals, _ = text.partition("=")
    if not name or "\0" in text:
        raise BadInput(f"invalid environment variable {text!r}: expected NAME=VALUE")
    return text if equals or name not in os.environ else f"{name}={os.environ[name]}"


def _env_lines(path: str) -> list[str]:
    lines = [line.lstrip() for line in read_lines(path, "environment file")]
    lines = [line for line in lines if line and not line.startswith("#")]
    for line in lines:
        if any(c.isspace() for c in line.partition("=")[0]):
            raise BadInput(f"environment file {path!r}: variable {line!r} contains whitespace in its name")
    return lines


def read_lines(path: str, what: str) -> list[str]:
    """Return the lines of a file. Only LF and CR LF end a line, as a value may hold the other characters at which splitlines() splits.

    Raises BadInput if the file cannot be read. The error says `what` the file was to be.
    """
    try:
        with open(path, "rb") as file:
            text = read_all(file).decode(errors="surrogateescape").removeprefix("\ufeff")
    except OSError as error:
        raise BadInput(f"{what} {path!r}: {error.strerror}") from error
    except BadInput as error:
        raise BadInput(f"{what} {path!r}: {error.message}") from error
    return [line.removesuffix("\r") for line in text.split("\n")]


def labels(settings: tuple[str, ...], files: tuple[str, ...]) -> dict[str, str]:
    """Return the labels of --label-file and -l, in this order.

    As with docker, the last value of a key counts, and a bare KEY in a file is left out.
    """
    lines = [line.strip() for path in files for line in read_lines(path, "label file")]
    return dict(pair(text) for text in [*(line for line in lines if "=" in line and not line.startswith("#")), *settings])


def log_options(texts: tuple[str, ...], driver: str) -> dict[str, str]:
    """Return the settings of --log-opt. Raises BadInput for what the driver does not know, or cannot do here."""
    result = dict(pair(text) for text in texts)
    for name, value in result.items():
        if name not in LOG_DRIVERS[driver]:
            known = "; ".join(f"{' or '.join(names)} for {each}" for each, names in LOG_DRIVERS.items() if names)
            raise BadInput(f"unknown log option {name!r} for log driver {driver}: expected {known}")
        _check_log_option(name, value)
    if driver == "json-file" and result:
        from mydocker.engine.record import attributes  # imported here, as most containers have no options for it

        attributes.check(result)
    if driver in ("syslog", "journald"):
        from mydocker.engine.record import forward  # imported here, as most logs stay here

        forward.check(driver, result)
    return result


def _check_log_option(name: str, value: str) -> None:
    if name in ("max-size", "max-file") and (size(value) if name == "max-size" else number(value) or 0) < 1:
        raise BadInput(f"invalid log option {name}={value}: expected 1 or more")
    if name == "compress" and value != "false":
        raise BadInput(f"invalid log option compress={value}: expected false, as older files of a log stay as they are here")


# {driver: its options}
LOG_DRIVERS = {
    "json-file": ("max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag"),
    "local": ("max-size", "max-file", "compress"),
    "syslog": ("syslog-address", "syslog-facility", "syslog-format", "tag"),
    "journald": ("tag",),
    "none": (),
}

HEALTH_DURATIONS: dict[str, Duration] = {
    "health_interval": "Interval",
    "health_timeout": "Timeout",
    "health_start_period": "StartPeriod",
    "health_start_interval": "StartInterval",
}


def healthcheck(given: Flags) -> Healthcheck:
    """Return docker's Healthcheck with what --no-healthcheck and --health-* set. Durations are in ns.

    given: the flags, out of which these are taken.
    """
    is_off, command, retries = given.pop("no_healthcheck"), given.pop("health_cmd"), given.pop("health_retries")
    texts = {key: given.pop(name) for name, key in HEALTH_DURATIONS.items()}
    durations = {key: _health_duration(text) for key, text in texts.items() if text is not None}
    count = integer("health retries", 0, 2**31 - 1)(retries) if retries is not None else None
    if is_off and (durations or count is not None or command):
        raise BadInput("--no-healthcheck excludes the --health-* flags")
    wanted: Healthcheck = {"Test": ["NONE"]} if is_off else {}
    for key, duration in durations.items():
        if duration:  # for docker, 0 means the default; below, the same goes for the retries
            wanted[key] = duration
    if count:
        wanted["Retries"] = count
    if command:
        wanted["Test"] = ["CMD-SHELL", command]
    return wanted


def _health_duration(text: str) -> int:
    from mydocker.images.change import nanoseconds  # imported here, as most starts have no duration

    return 0 if text in ("0", "0s") else nanoseconds(text)
