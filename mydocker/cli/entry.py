"""The entry point of the mydocker command. If there will be a monitor, it is started here, before click is imported."""

from __future__ import annotations

import os
import sys

from mydocker.engine.monitor import launcher
from mydocker.paths import Paths
from mydocker.tracebacks import as_error, kept


def main() -> None:
    """Run the command line and exit with its status."""
    # The files of containers and images must not depend on who makes them. Files that are not for everybody get their own mode.
    os.umask(0o022)
    _open_streams()
    try:
        if launcher.needs_monitor(sys.argv[1:]):
            launcher.start_early()
        from mydocker.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        os._exit(_fail(error))


def _open_streams() -> None:
    """Open /dev/null in place of each standard stream that the caller has closed. No other file may get its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open("/dev/null", os.O_RDWR)
            os.dup2(null, number)
            if null != number:
                os.close(null)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _fail(error: Exception) -> int:
    """Print an error from before the command line was read or from after the verb was done. Return the exit status."""
    told = kept(as_error(error), Paths.from_environment().errors)
    print(f"mydocker: {told.message}", file=sys.stderr, flush=True)
    return 125 if launcher.needs_monitor(sys.argv[1:]) else 1
