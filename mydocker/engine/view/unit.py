"""A unit of systemd that runs a container.

The client stays in the foreground, so systemd sees the container's end and its exit status. The container has a cgroup of its own, and its
monitor, which is in the unit's, must outlive the client: hence KillMode=process.

Source of the form: systemd.unit(5), systemd.service(5), systemd.syntax(7).
"""

from __future__ import annotations

from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

POLICIES = ("no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always")
# So many seconds systemd waits longer than the container's own time to stop.
_GRACE = 60


class Unit(Value):
    """What a unit says."""

    name: str  # of the container
    root: str  # where it is kept
    before: list[list[str]]  # commands that may fail, before the container starts
    start: list[str]
    stop: list[str]
    restart: str  # one of POLICIES
    restart_seconds: int | None  # how long systemd waits before it, None for its default
    seconds: int  # how long a stop waits before SIGKILL
    directory: str  # the working directory, '' for the default


def text(unit: Unit) -> str:
    """Return the text of a unit's file."""
    lines = [
        "[Unit]",
        f"Description=Container {_escaped(unit.name)} of mydocker",
        "Wants=network-online.target",
        "After=network-online.target",
        f"RequiresMountsFor={quoted([unit.root])}",
        "",
        "[Service]",
        "Type=exec",
        *([f"WorkingDirectory={_escaped(unit.directory)}"] if unit.directory else []),
        *(f"ExecStartPre=-{quoted(words)}" for words in unit.before),
        f"ExecStart={quoted(unit.start)}",
        f"ExecStop={quoted(unit.stop)}",
        f"Restart={unit.restart}",
        *([f"RestartSec={unit.restart_seconds}"] if unit.restart_seconds is not None else []),
        f"TimeoutStopSec={unit.seconds + _GRACE}",
        "SuccessExitStatus=143",
        "KillMode=process",
        "Delegate=yes",
        "TasksMax=infinity",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "".join(f"{line}\n" for line in lines)


def quoted(words: Sequence[str]) -> str:
    """Return a command line as systemd splits it: nothing in it means anything else than itself."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    escaped = _escaped(word).replace("$", "$$")
    if word and all(letter.isalnum() or letter in "-_./:=,@+%" for letter in word):
        return escaped
    return '"' + escaped.replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "%%").replace("\n", "\\n").replace("\t", "\\t")
