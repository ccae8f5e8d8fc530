"""The root of the command line: its global options and its verbs."""

from __future__ import annotations

import os
import sys

import click

from mydocker.cli.base import LazyGroup, Session, explain_option, run
from mydocker.cli.verbs import ALL
from mydocker.paths import Paths
from mydocker.store import close_to_others
from mydocker.version import VERSION


@click.group(cls=LazyGroup, verbs=ALL, invoke_without_command=True, context_settings={"help_option_names": ["--help"]})
@click.option("--root", metavar="DIR", help="What survives a reboot [/var/lib/mydocker, or MYDOCKER_ROOT].")
@click.option("--state", metavar="DIR", help="What a reboot ends [/run/mydocker, or MYDOCKER_STATE].")
@click.option("-v", "--version", is_flag=True, help="Print the version.")
@explain_option
@click.pass_context
def mydocker(ctx: click.Context, root: str | None, state: str | None, version: bool, explain: str | None, dry_run: bool) -> None:
    """Containers that explain themselves: no daemon, OCI inside, nothing left behind."""
    paths = Paths.from_environment(root, state)
    close_to_others(paths.root)
    close_to_others(paths.state)
    ctx.obj = Session(paths, explain, dry_run)
    if version:
        click.echo(f"mydocker version {VERSION}")
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _complete() -> int:
    from mydocker.cli.completion import complete  # imported here, because only a shell's completion needs it

    return complete(mydocker)


def main() -> None:
    """Run the command line and exit with its status."""
    status = _complete() if "_MYDOCKER_COMPLETE" in os.environ else run(mydocker, sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to do at exit. To end the interpreter in the usual way would take 5 ms.
    os._exit(status)
