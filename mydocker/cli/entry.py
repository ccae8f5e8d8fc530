"""Where the mydocker command starts: it sets off the monitor, if there will be one, before click is imported."""

from __future__ import annotations

import sys

from mydocker.engine.monitor import launcher


def main() -> None:
    """Run the command line and exit with its status."""
    if launcher.needs_monitor(sys.argv[1:]):
        launcher.start_early()
    from mydocker.cli.main import main as command_line

    command_line()
