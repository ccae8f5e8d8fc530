"""What all verbs share: the session, --explain and --dry-run, what is printed, and going on after a failure."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the signal module takes 4 ms, as it wraps this in enums
import os
import sys
from errno import EACCES, EPERM

from mydocker.cli.table import harmless
from mydocker.cli.verb import option, switch
from mydocker.errors import BadInput, Error, Unexpected
from mydocker.paths import Paths
from mydocker.tracebacks import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from mydocker.engine.monitor.client import Client
    from mydocker.engine.view.containertree import Sight
    from mydocker.explaining import Stop, Told
    from mydocker.messages import Explanation

    class Stopping(Protocol):
        """What stops a start (cli/explain/stopping.py)."""

        stop: Stop

        def own(self, who: str, step: Told, seconds: float) -> None: ...
        def hear(self, told: Explanation) -> None: ...
        def started(self, start: Callable[[], Client]) -> Client: ...

    class Teller(Protocol):
        """What prints steps (cli/explain)."""

        def tell(self, told: Explanation) -> None: ...
        def show(self, before: Sight, after: Sight) -> None: ...
        def flush(self) -> None: ...
        def finish(self) -> None: ...


# Verbs that exit with 125 when they refuse. So their status differs from that of the container's command. 'volume create' is not one.
_STATUS_125 = [group + verb for group in ("mydocker ", "mydocker container ") for verb in ("run", "create", "exec")]


class Session:
    """The settings of one command line.

    paths: where everything is
    explain: how steps are explained, one of EXPLAIN's choices; None for not at all
    dry_run: whether steps are only described, and not done
    """

    def __init__(self, paths: Paths, explain: str | None, dry_run: bool) -> None:
        self.paths = paths
        self.explain = explain
        self.dry_run = dry_run
        self.stopping: Stopping | None = None  # stops a start, if --stop-after asks for it
        self.teller: Teller | None = None  # what prints the steps, made when the first is told (execution.py)

    def flush(self) -> None:
        """Print the steps that were kept to be printed together, before a program's output."""
        if self.teller:
            self.teller.flush()


class Place:
    """Where a command line has got to. The exit status of an error, and where its story is kept, depend on it.

    verb: such as 'mydocker container run', '' as long as it is not known
    errors: STATE/errors, None as long as it is not known
    words: the whole line, after the program's name
    tells_stories: whether the traceback of an error that nobody foresaw is printed (--debug)
    tells_warnings: whether warnings are (--log-level)
    hint: what an error's hint begins with
    """

    verb = ""
    words: list[str] = []  # noqa: RUF012  # there is one Place
    errors: str | None = None
    tells_stories = False
    tells_warnings = True
    hint = "hint: "

    def status_of_refusal(self) -> int:
        """Return the exit status of a verb that refuses."""
        return 125 if self.verb in _STATUS_125 else 1


place = Place()

EXPLAIN = (
    option(
        "--explain",
        choices=("text", "all", "why", "sh", "json", "svg", "html", "trace"),
        help="Print the steps [text, all, why, sh or json], or draw them [svg, html or trace].",
    ),
    switch("--dry-run", help="Print the steps without doing them."),
)
STOP_AFTER = option("--stop-after", metavar="STEP", help="Wait after each step that has these words, and say what to look at.")


def echo(text: str, end: str = "\n", err: bool = False) -> None:
    """Print a text at once, on standard output or standard error. Raises OSError if that is not possible."""
    stream = sys.stderr if err else sys.stdout
    try:
        stream.write(text + end)
        stream.flush()
    except OSError as error:
        error.filename = "standard error" if err else "standard output"
        raise


def complain(message: str, hint: str | None = None) -> None:
    """Print an error on standard error as one line, and the hint on a line of its own."""
    lines = [f"mydocker: {message}", *([f"{place.hint}{hint}"] if hint else [])]
    print("\n".join(map(harmless, lines)), file=sys.stderr)


def warn(message: str, hint: str | None = None) -> None:
    """Print a warning, unless --log-level asks for errors only."""
    if place.tells_warnings:
        complain(f"warning: {message}", hint)


def complain_about(error: Error) -> None:
    """Print an error. If nobody foresaw it, also print where its traceback is."""
    if isinstance(error, Unexpected):
        print(error.story if place.tells_stories else "", end="", file=sys.stderr)
        error = kept(error, place.errors or Paths.from_environment().errors)
    complain(error.message, error.hint or _hint_for_users(error.message))


def _hint_for_users(message: str) -> str | None:
    """Return what an ordinary user should know about an error of the kernel's."""
    is_denied = message.endswith((os.strerror(EACCES), os.strerror(EPERM)))
    return "mydocker needs root: sudo mydocker …" if is_denied and os.geteuid() != 0 else None


def hold_interrupts() -> None:
    """Have Ctrl-C wait until answer_interrupts() is called: for what must be whole before it can be undone."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGINT])


def answer_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, also one that has waited, as it does from the program's start."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGINT])


def check_terminal(session: Session, wanted: bool) -> None:
    """Raise BadInput if a terminal is wanted and standard input is not one. What is only told needs none."""
    if wanted and not session.dry_run and not os.isatty(0):
        raise BadInput("-t with -i needs a terminal, and standard input is none", "leave out -t in a script or a pipe")


def each(names: tuple[str, ...], action: Callable[[str], object]) -> int:
    """Call `action(name)` for each name. Go on after a failure, and return 1 if there was one, else 0."""
    status = 0
    for name in names:
        try:
            action(name)
        except Error as error:
            complain_about(error)
            status = 1
    return status
