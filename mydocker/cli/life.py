"""The verbs for running containers: stop, restart, kill, pause, unpause, wait, rename and attach.

What only some of them need is imported by these.
"""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, check_terminal, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.reading import read
from mydocker.cli.verb import ANY_INTEGER, SOME, argument, option, switch, verb
from mydocker.engine.container import life
from mydocker.engine.record import containers, locks
from mydocker.engine.record.names import check_name
from mydocker.engine.request.values import detach_keys as parse_keys
from mydocker.engine.request.values import signal as parse_signal
from mydocker.errors import Conflict, Error
from mydocker.messages import ERRORS, INPUT, OUTPUT
from mydocker.steps.base import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.record.containers import Record
    from mydocker.steps.base import Run

_NAMES = argument("names", "CONTAINER...", SOME)
_TIME = option(
    "-t", "--time", "--timeout", "seconds", integers=ANY_INTEGER, help="Seconds before SIGKILL; -1 waits for ever [the container's, or 10]."
)
_SIGNAL = option("-s", "--signal", metavar="SIGNAL", help="The signal to send [the container's, or TERM].")


def _record(session: Session, name: str) -> Record:
    return containers.load(session.paths, containers.resolve(session.paths, name))


def _for_each(session: Session, names: tuple[str, ...], action: Callable[[Record, Run], None]) -> int:
    """Call `action(record, run)` for each container, and print the container's name. run: executes the steps, or only tells them"""

    def one(name: str) -> None:
        action(_record(session, name), runner(session))
        if not session.dry_run:
            echo(name)

    return each(names, one)


def _number(text: str | None) -> int | None:
    return None if text is None else parse_signal(text)


@verb(
    _TIME,
    _SIGNAL,
    *EXPLAIN,
    _NAMES,
)
def stop(session: Session, /, seconds: int | None, signal: str | None, names: tuple[str, ...]) -> int:
    """Stop containers: their stop signal, and SIGKILL for those that do not end in time.

    Example: mydocker stop -t 3 web
    """
    number = _number(signal)
    return _for_each(session, names, lambda record, run: life.stop(session.paths, record, seconds, number, run))


@verb(
    _TIME,
    _SIGNAL,
    *EXPLAIN,
    _NAMES,
)
def restart(session: Session, /, seconds: int | None, signal: str | None, names: tuple[str, ...]) -> int:
    """Stop containers that run, and start them.

    Example: mydocker restart web
    """
    number = _number(signal)

    def one(name: str) -> None:
        record = _record(session, name)
        step_runner = runner(session)
        life.stop(session.paths, record, seconds, number, step_runner, again=True)
        step_runner.apply(Action(lambda: _start_again(session, record), f"start container {record['id'][:12]}"))
        if not session.dry_run:
            echo(name)

    return each(names, one)


def _start_again(session: Session, record: Record) -> None:
    from mydocker.engine.container import start
    from mydocker.engine.record import events

    lock = start.lock_stopped(session.paths, record["id"])
    if lock >= 0:  # otherwise somebody else has started it
        start.start(session.paths, containers.load(session.paths, record["id"]), lock)
    events.of_container(session.paths, record, "restart")


@verb(
    option("-s", "--signal", metavar="SIGNAL", default="KILL", help="The signal to send [KILL]."),
    *EXPLAIN,
    _NAMES,
)
def kill(session: Session, /, signal: str, names: tuple[str, ...]) -> int:
    """Send a signal to containers' first processes.

    Example: mydocker kill -s HUP web
    """
    number = parse_signal(signal or "KILL")
    return _for_each(session, names, lambda record, run: life.kill(session.paths, record, number, run))


@verb(
    *EXPLAIN,
    _NAMES,
)
def pause(session: Session, /, names: tuple[str, ...]) -> int:
    """Freeze all processes of containers.

    Example: mydocker pause web
    """
    return _for_each(session, names, lambda record, run: life.pause(session.paths, record, True, run))


@verb(
    *EXPLAIN,
    _NAMES,
)
def unpause(session: Session, /, names: tuple[str, ...]) -> int:
    """Let the processes of paused containers go on.

    Example: mydocker unpause web
    """
    return _for_each(session, names, lambda record, run: life.pause(session.paths, record, False, run))


@verb(
    EXPLAIN[0],
    _NAMES,
)
def wait(session: Session, /, names: tuple[str, ...]) -> int:
    """Wait until containers have ended, and print their exit statuses.

    Example: mydocker wait job
    """
    return each(names, lambda name: echo(str(_awaited(session, _record(session, name)))))


def _awaited(session: Session, record: Record) -> int:
    words = f"wait for the end of container {record['id'][:12]}, which its monitor tells, or else its record"
    return read(session, lambda: _end_of(session, record), words)


def _end_of(session: Session, record: Record) -> int:
    from mydocker.engine.container import attach

    try:
        return attach.attach(session.paths, record, "", b"", False).wait_end()
    except Error:
        # The container has ended, is ending at this moment, or has lost its monitor.
        life.await_unwatched_end(session.paths, record)
        return life.exit_status(session.paths, record)


@verb(
    *EXPLAIN,
    argument("old", "CONTAINER"),
    argument("new", "NAME"),
)
def rename(session: Session, /, old: str, new: str) -> None:
    """Give a container another name.

    Example: mydocker rename web old-web
    """
    from mydocker.engine.container.claim import Rename

    check_name(new)
    container_id = containers.resolve(session.paths, old)
    with locks.ContainerLock(session.paths, container_id):
        runner(session).apply(Rename(session.paths, container_id, new))


@verb(
    switch("--no-stdin", help="Do not attach standard input."),
    option("--detach-keys", metavar="KEYS", default="ctrl-p,ctrl-q", help="Keys that detach from a terminal [ctrl-p,ctrl-q]."),
    switch("--sig-proxy/--no-sig-proxy", default=True, help="Pass signals on to the container, without a terminal [yes]."),
    argument("name", "CONTAINER"),
)
def attach(session: Session, /, no_stdin: bool, detach_keys: str, sig_proxy: bool, name: str) -> int:
    """Attach the terminal, or standard streams, to a running container; exit with its status.

    Example: mydocker attach --no-stdin web
    """
    from mydocker.engine.container.attach import attach as attach_to

    keys = parse_keys(detach_keys)
    record = _record(session, name)
    process = life.running_process(session.paths, record)
    process.close()
    if process.cgroup.is_frozen():
        raise Conflict(f"container {name} is paused", "unpause it first")
    streams = OUTPUT + ERRORS + (INPUT if record["config"]["OpenStdin"] and not no_stdin else "")
    check_terminal(session, record["config"]["Tty"] and INPUT in streams)
    return attach_to(session.paths, record, streams, keys, sig_proxy).run()
