"""Where the mydocker command starts: it sets off the monitor, if there will be one, before click is imported."""

from __future__ import annotations

import os
import sys

from mydocker.engine.monitor import launcher


def main() -> None:
    """Run the command line and exit with its status."""
    # What containers and images are made of must not depend on who makes them; what is nobody else's has its own mode.
    os.umask(0o022)
    if launcher.needs_monitor(sys.argv[1:]):
        launcher.start_early()
    from mydocker.cli.main import main as command_line

    command_line()
