"""The verb generate systemd: a unit that runs a container."""

from __future__ import annotations

import os
import shutil

from mydocker.cli.base import Session, echo, warn
from mydocker.cli.verb import Flag, argument, option, switch, verb
from mydocker.engine.record import containers
from mydocker.engine.view import unit
from mydocker.errors import BadInput
from mydocker.paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mydocker.cli.lean import Line
    from mydocker.engine.record.containers import Record

# What a unit says itself, or has no use for.
_LEFT_OUT = ("--detach", "--interactive", "--name", "--rm", "--restart", "--cidfile", "--detach-keys", "--explain", "--dry-run")
_FILE = "container-{}.service"


@verb(
    switch("-n", "--name", "by_name", help="Call the container by its name, and not by its id."),
    switch("--new", help="Make a new container at each start, as this one was made, and remove it at the end."),
    option("--restart-policy", choices=unit.POLICIES, default="on-failure", help="When systemd starts it again [on-failure]."),
    option("--restart-sec", metavar="SECONDS", integers=(0, 10**6), help="How long systemd waits before that [100 ms]."),
    option("-t", "--time", "seconds", metavar="SECONDS", integers=(0, 10**6), help="How long a stop waits before SIGKILL [10]."),
    switch("-f", "--files", help="Write it to container-NAME.service in this directory, and print the path."),
    argument("container"),
)
def systemd(
    session: Session,
    by_name: bool,
    new: bool,
    restart_policy: str,
    restart_sec: int | None,
    seconds: int | None,
    files: bool,
    container: str,
) -> None:
    """Print a unit of systemd that runs a container.

    Example: mydocker generate systemd --new --name web > /etc/systemd/system/web.service
    """
    record = containers.load(session.paths, containers.resolve(session.paths, container))
    called = record["name"] if by_name else record["id"][:12]
    if record["hostConfig"]["RestartPolicy"]["Name"] != "no" and not new:
        warn(f"container {record['name']} is started again by its monitor too", "mydocker update --restart no, or --new")
    told = _unit(session.paths, record, called, new)
    told.restart, told.restart_seconds = restart_policy, restart_sec
    told.seconds = _stop_time(record) if seconds is None else seconds
    told.stop = [*_program(session.paths), "stop", "-t", str(told.seconds), record["name"] if new else called]
    _show(unit.text(told), _FILE.format(called), files)


def _stop_time(record: Record) -> int:
    given = record["config"]["StopTimeout"]
    return given if given is not None and given >= 0 else 10


def _unit(paths: Paths, record: Record, called: str, new: bool) -> unit.Unit:
    program = _program(paths)
    made = record.get("madeBy")
    if new and not made:
        raise BadInput(f"container {record['name']} was not made by a command line of mydocker: --new has nothing to repeat")
    start = [*program, *_repeated(record)] if new else [*program, "start", "-a", called]
    return unit.Unit(
        name=record["name"],
        root=paths.root,
        before=[[*program, "rm", "-f", "-v", record["name"]]] if new else [],
        start=start,
        stop=[],
        restart="",
        restart_seconds=None,
        seconds=0,
        directory=made["directory"] if new and made else "",
    )


def _program(paths: Paths) -> list[str]:
    """Return how this mydocker is called from anywhere, on the same containers."""
    usual = Paths()
    places = (("--root", paths.root, usual.root), ("--state", paths.state, usual.state))
    words = [word for flag, place, default in places if place != default for word in (flag, os.path.abspath(place))]
    return [shutil.which("mydocker") or "/usr/local/bin/mydocker", *words]


def _repeated(record: Record) -> list[str]:
    """Return the words after the program of a line that makes such a container again, in the foreground. Raises BadInput."""
    from mydocker.cli.lean import read
    from mydocker.cli.main import mydocker

    line = read(mydocker, record["madeBy"]["words"])
    if line is None:
        raise BadInput(f"container {record['name']} was made by a command line that this version does not take: --new cannot repeat it")
    flags = [word for flag in line.verb.flags if flag.names[-1] not in _LEFT_OUT for word in _words(flag, line, record)]
    return ["run", "--rm", "--name", record["name"], *flags, "--", *line.values["words"]]


def _words(flag: Flag, line: Line, record: Record) -> Iterator[str]:
    """Yield the words that give a flag the value that it has in a line, if that is not its default."""
    value: Any = line.values[flag.into]
    if value == flag.default or flag.into.startswith("_"):
        return
    name = next(each for each in flag.names if each.startswith("--"))
    if not flag.takes_value:
        yield name if value else flag.opposites[0]
        return
    for each in value if flag.is_repeatable else [value]:
        yield f"{name}={_variable(each, record) if flag.into == 'env' else each}"


def _variable(text: str, record: Record) -> str:
    """Return NAME=VALUE for a NAME whose value came from whoever made the container."""
    return next((line for line in record["config"]["Env"] if "=" not in text and line.startswith(f"{text}=")), text)


def _show(text: str, name: str, to_file: bool) -> None:
    if not to_file:
        return echo(text, end="")
    with open(name, "w") as file:
        file.write(text)
    echo(os.path.abspath(name))
