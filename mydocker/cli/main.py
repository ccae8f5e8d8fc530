"""The root of the command line: its global options and its verbs."""

from __future__ import annotations

import os
import sys

from mydocker.cli.base import EXPLAIN
from mydocker.cli.flags import GLOBAL
from mydocker.cli.outcome import run
from mydocker.cli.verb import Group, switch
from mydocker.cli.verbs import ABSENT, ALL

mydocker = Group(
    "mydocker",
    help="Containers that explain themselves: no daemon, OCI inside, nothing left behind.",
    verbs=ALL,
    flags=(
        *GLOBAL,
        switch("-v", "--version", help="Print the version."),
        *EXPLAIN,
    ),
    absent=ABSENT,
)


def main() -> None:
    """Run the command line and exit with its status."""
    status = _complete() if "_MYDOCKER_COMPLETE" in os.environ else run(mydocker, sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()  # what a verb has printed before it failed
        except OSError:
            status = status or 1  # that the output could not be written was said, or there is nobody to say it to
    # Nothing is left to do at exit. To end the interpreter in the usual way would take 5 ms.
    os._exit(status)


def _complete() -> int:
    from mydocker.cli.completion import complete  # imported here, because only a shell's completion needs it

    return complete(mydocker)
