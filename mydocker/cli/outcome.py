"""Running a command line: the line is read, its verb is called, and every error becomes one line and an exit status."""

from __future__ import annotations

import os

from mydocker.cli.base import Session, answer_interrupts, complain_about, echo, place
from mydocker.cli.flags import GLOBAL
from mydocker.cli.lean import read
from mydocker.cli.verb import check_refused
from mydocker.errors import BadInput, Conflict, Error, NotFound
from mydocker.messages import watch
from mydocker.paths import Paths
from mydocker.store import close_to_others
from mydocker.tracebacks import as_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.cli.lean import Values
    from mydocker.cli.verb import Group, Verb


def run(group: Group, words: list[str]) -> int:
    """Run a command line, and return its exit status. A failure is printed on standard error as one line."""
    try:
        return _ended(lambda: _run(group, words))
    finally:
        place.verb, place.errors = "", None


def _run(group: Group, words: list[str]) -> int:
    place.words = words
    line = read(group, words)
    if line is None:
        from mydocker.cli import clicked  # imported here, because it takes 40 ms

        answer_interrupts()
        return clicked.run(group, words, perform)
    answer_interrupts()
    return perform(line.names, line.verb, line.outer, line.values)


def perform(names: list[str], verb: Verb, outer: Values, values: Values) -> int:
    """Call a verb, and return the exit status.

    names: the groups and the verb
    outer: the options before the verb
    values: the verb's
    """
    paths = Paths.from_environment(outer["root"], outer["state"])
    place.verb, place.errors = " ".join(names), paths.errors
    _as_told(outer)
    check_refused(verb.flags, values)
    close_to_others(paths.root)
    close_to_others(paths.state)
    explain = values.pop("explain", None) or outer["explain"]
    dry_run = values.pop("dry_run", False) or outer["dry_run"]
    _check_told(verb, explain, dry_run)
    told = {name: value for name, value in values.items() if not name.startswith("_")}  # see verb.meaningless()
    session = Session(paths, explain, dry_run)
    if explain or dry_run:
        from mydocker.cli.execution import teller  # most command lines tell nothing

        teller(session)
    try:
        status = verb.function(session, **told)
    finally:
        if session.teller:
            watch(None)
            session.teller.finish()
    echo("", end="")  # what is not written yet
    return status if isinstance(status, int) else 0


def _check_told(verb: Verb, explain: str | None, dry_run: bool) -> None:
    """Raise BadInput if steps are to be told, and the verb has none. Before a verb that only tells where it reads, --dry-run may stand."""
    if (explain or dry_run) and not any(flag.into == "explain" for flag in verb.flags):
        asked = "--explain" if explain else "--dry-run"
        of = place.verb.partition(" ")[2]
        raise BadInput(f"{asked} has nothing to tell of '{of}'", "it tells the steps of verbs that change something")


def _as_told(outer: Values) -> None:
    """Do what the options before the verb ask for. Raises BadInput for one that is refused."""
    check_refused(GLOBAL, outer)
    if outer["config"]:
        os.environ["DOCKER_CONFIG"] = outer["config"]
    place.tells_stories = outer["debug"] or outer["log_level"] == "debug"
    place.tells_warnings = outer["log_level"] not in ("error", "fatal")


def _ended(action: Callable[[], int]) -> int:
    """Return an action's exit status, or that of its error, which is printed."""
    try:
        return action()
    except Error as error:
        return _refused(error)
    except (KeyboardInterrupt, EOFError):
        return 130
    except BrokenPipeError:
        # The reader has gone away (mydocker ps | head -1). Nothing more can be written, and the flush at exit must not try.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        # For a full disk, or a root without permission, the kernel's words about its object are said.
        return _refused(Error(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)))
    except Exception as error:
        return _refused(as_error(error))


def _refused(error: Error) -> int:
    """Print why a verb failed, and return its exit status."""
    complain_about(error)
    # As docker's exec: 125 means that the process could not be started, 1 that there is no container to start it in.
    no_container = isinstance(error, (NotFound, Conflict)) and place.verb.endswith(" exec")
    return error.exit_status or (1 if no_container else place.status_of_refusal())
