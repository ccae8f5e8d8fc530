"""The verbs run, create and start."""

from __future__ import annotations

import os
import sys

from mydocker.cli.base import (
    EXPLAIN,
    STOP_AFTER,
    Session,
    answer_interrupts,
    check_terminal,
    complain_about,
    echo,
    hold_interrupts,
    place,
    warn,
)
from mydocker.cli.execution import runner, started, stop_after, tell_plan, telling, wants_plan
from mydocker.cli.flags import CREATE, RUN
from mydocker.cli.verb import SOME, argument, option, refused, switch, verb
from mydocker.engine.container import filling
from mydocker.engine.container.create import Prepared, finish, prepare, write_cidfile
from mydocker.engine.container.create import create as create_container
from mydocker.engine.container.start import lock_stopped
from mydocker.engine.container.start import start as start_container
from mydocker.engine.monitor.client import Client
from mydocker.engine.record import containers
from mydocker.engine.request.checks import warnings
from mydocker.engine.request.flags import parse
from mydocker.engine.request.options import Options
from mydocker.engine.request.values import detach_keys as parse_keys
from mydocker.errors import BadInput, Error, NoImage
from mydocker.images.reference import is_id
from mydocker.images.reference import parse as parse_reference
from mydocker.messages import ERRORS, INPUT, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.record.containers import Record
    from mydocker.engine.request.options import Flags
    from mydocker.engine.view.script import Plans

_STREAMS = {"stdin": INPUT, "stdout": OUTPUT, "stderr": ERRORS}


@verb(
    *RUN,
    *EXPLAIN,
    STOP_AFTER,
    is_interspersed=False,
)
def run(session: Session, /, **flags: Any) -> int:
    """Create a container and run a command in it.

    Example: mydocker run --rm -it busybox sh
    """
    stop_words = flags.pop("stop_after")
    options = _parsed(flags)
    streams = _wanted_streams(options)
    check_terminal(session, options.tty and INPUT in streams)
    prepared = _prepared(session, options)
    if _only_told(session, prepared):
        return 0
    stop_after(session, stop_words, lambda: _plans(prepared))
    lock = _create(session, prepared)
    client = _start(session, prepared.record, lock, streams, options)
    if options.detach:
        echo(prepared.record["id"])
        return 0
    return client.run()


def _parsed(flags: Flags) -> Options:
    options = parse(flags)
    for warning in warnings(options):
        warn(warning)
    return options


def _prepared(session: Session, options: Options) -> Prepared:
    """Decide everything about the container. The image is pulled first if --pull says so: always, or because it is missing."""
    if options.pull == "always" and not session.dry_run:
        _pull(session, options)
    try:
        return prepare(session.paths, options)
    except NoImage as error:
        if options.pull != "missing" or session.dry_run or is_id(options.image.removeprefix("sha256:")):
            raise
        name = error.message.removeprefix("no such image: ")
        print(f"Unable to find image {name!r} locally", file=sys.stderr)
    _pull(session, options)
    return prepare(session.paths, options)


def _pull(session: Session, options: Options) -> None:
    from mydocker.cli.registry import pull_one

    reference = parse_reference(options.image).with_default_tag()
    try:
        pull_one(session, reference, options.platform or "", None, sys.stderr, options.quiet)
    except Error as error:
        raise Error(f"cannot pull {reference}: {error.message}", error.hint) from error


def _wanted_streams(options: Options) -> str:
    """Return the streams of the container that are connected to the caller's own, see messages.Request."""
    if options.detach:
        return ""
    chosen = "".join(_STREAMS[name] for name in options.attach) or OUTPUT + ERRORS
    return chosen + (INPUT if options.interactive and (not options.attach or "stdin" in options.attach) and INPUT not in chosen else "")


def _create(session: Session, prepared: Prepared) -> int:
    step_runner = runner(session)
    prepared.record["madeBy"] = {"words": place.words, "directory": _directory()}
    hold_interrupts()
    try:
        lock = create_container(prepared, step_runner)
        write_cidfile(prepared.options, prepared.record["id"])
        answer_interrupts()
    except (Error, KeyboardInterrupt):
        step_runner.undo_all()
        raise
    finally:
        answer_interrupts()
    return lock


def _directory() -> str:
    """Return where the line was typed, '' if that directory has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _start(session: Session, record: Record, lock: int, streams: str, options: Options) -> Client:
    keys, proxy, explain = options.detach_keys, options.sig_proxy, telling(session)
    return started(session, lambda stop: start_container(session.paths, record, lock, streams, keys, proxy, explain, stop=stop))


def _plans(prepared: Prepared) -> Plans:
    from mydocker.engine.view.describe import plans

    return plans(prepared)


def _only_told(session: Session, prepared: Prepared) -> bool:
    """Tell what would be done, if the session asks for that. Return whether nothing more is to be done."""
    if not wants_plan(session):
        return False
    from mydocker.engine.view.script import script

    whole = _plans(prepared)
    return tell_plan(session, whole, script(whole))


@verb(
    *CREATE,
    *EXPLAIN,
    is_interspersed=False,
)
def create(session: Session, /, **flags: Any) -> None:
    """Create a container without starting it, and print its id.

    Example: mydocker create --name web busybox httpd -f
    """
    prepared = _prepared(session, _parsed({**flags, "detach_keys": None}))
    if _only_told(session, prepared):
        return
    lock = _create(session, prepared)
    step_runner = runner(session)
    step_runner.execute(filling.steps(prepared))
    finish(prepared, step_runner)
    os.close(lock)
    echo(prepared.record["id"])


@verb(
    switch("-a", "--attach", help="Attach its output, pass signals on, exit with its status."),
    switch("-i", "--interactive", help="Attach standard input too."),
    refused("--checkpoint", why="there are no checkpoints"),
    refused("--checkpoint-dir", why="there are no checkpoints"),
    option("--detach-keys", metavar="KEYS", default="ctrl-p,ctrl-q", help="Keys that detach from a terminal [ctrl-p,ctrl-q]."),
    *EXPLAIN,
    STOP_AFTER,
    argument("names", "CONTAINER...", SOME),
)
def start(session: Session, attach: bool, interactive: bool, detach_keys: str, stop_after: str | None, names: tuple[str, ...]) -> int:
    """Start created or ended containers.

    Example: mydocker start -a job
    """
    keys = parse_keys(detach_keys)
    if (attach or interactive) and len(names) > 1:
        raise BadInput(f"only one container can be attached to, not {len(names)}")
    status = 0
    for name in names:
        try:
            status = _start_one(session, name, attach or interactive, interactive, keys, stop_after) or status
        except Error as error:
            if attach or interactive:
                raise
            complain_about(error)
            status = 1
    return status


def _start_one(session: Session, name: str, attach: bool, interactive: bool, keys: bytes, stop_words: str | None) -> int:
    paths = session.paths
    container_id = containers.resolve(paths, name)
    lock = lock_stopped(paths, container_id)
    record = containers.load(paths, container_id)
    if lock < 0:
        if attach and not session.dry_run:
            from mydocker.engine.container.attach import attach as attach_to

            return attach_to(paths, record, _streams(session, record, interactive), keys, True).run()
        echo(name)
        return 0
    streams = _streams(session, record, interactive) if attach else ""
    if wants_plan(session):
        from mydocker.engine.view.script import script

        whole = _start_plans(session, record)
        if tell_plan(session, whole, script(whole)):
            return 0
    stop_after(session, stop_words, lambda: _start_plans(session, record))
    explain = telling(session)
    client = started(session, lambda stop: start_container(paths, record, lock, streams, keys, True, explain, stop=stop))
    if attach:
        return client.run()
    echo(name)
    return 0


def _start_plans(session: Session, record: Record) -> Plans:
    from mydocker.engine.view.describe import start_plans

    return start_plans(session.paths, record)


def _streams(session: Session, record: Record, interactive: bool) -> str:
    """Return the streams of the container that are connected to the caller's own, see messages.Request."""
    streams = OUTPUT + ERRORS + (INPUT if interactive and record["config"]["OpenStdin"] else "")
    check_terminal(session, record["config"]["Tty"] and INPUT in streams)
    return streams
