"""Where the mydocker command starts: it sets off the monitor, if there will be one, before click is imported."""

from __future__ import annotations

import os
import sys

from mydocker.engine.monitor import launcher
from mydocker.paths import Paths
from mydocker.tracebacks import as_error, kept


def main() -> None:
    """Run the command line and exit with its status."""
    # What containers and images are made of must not depend on who makes them; what is nobody else's has its own mode.
    os.umask(0o022)
    try:
        if launcher.needs_monitor(sys.argv[1:]):
            launcher.start_early()
        from mydocker.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        os._exit(_fail(error))


def _fail(error: Exception) -> int:
    """Print what went wrong before anything could be understood, or after all was done; return the exit status."""
    told = kept(as_error(error), Paths.from_environment().errors)
    print(f"mydocker: {told.message}", file=sys.stderr, flush=True)
    return 125 if launcher.needs_monitor(sys.argv[1:]) else 1
