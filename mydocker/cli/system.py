"""The verbs info and version."""

from __future__ import annotations

import os
import sys

from mydocker import leanjson
from mydocker.cli.base import Session, echo
from mydocker.cli.template.compile import compile_template
from mydocker.cli.verb import option, verb
from mydocker.engine.view import host
from mydocker.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = option("-f", "--format", "form", metavar="TEMPLATE", help="json or a Go template.")


@verb(
    _FORMAT,
)
def info(session: Session, form: str | None) -> None:
    """Show what this host can do, and the reason for each thing that it cannot.

    Example: mydocker info
    """
    from mydocker.engine.system.info import info as facts

    found = facts(session.paths)
    _print({**host.info(session.paths, found), "ClientInfo": host.client(), **found}, form, "\n".join(_lines(found, 0)))


def _print(facts: Mapping[str, object], form: str | None, usual: str) -> None:
    """Print facts as --format says. usual: the text to print without --format."""
    echo(leanjson.text(facts) if form == "json" else compile_template(form)(facts) if form else usual)


def _lines(facts: Mapping[str, object], depth: int) -> list[str]:
    lines = []
    for name, value in facts.items():
        lines.append("  " * depth + f"{name}:" + ("" if isinstance(value, dict) else f" {value}"))
        if isinstance(value, dict):
            lines += _lines(value, depth + 1)
    return lines


@verb(
    _FORMAT,
)
def version(session: Session, form: str | None) -> None:
    """Show the versions of mydocker, Python and the kernel.

    Example: mydocker version
    """
    facts = {
        "Version": VERSION,
        "Python": sys.version.split()[0],
        "OS/Arch": f"linux/{os.uname().machine}",
        "Kernel": os.uname().release,
    }
    both = {"Client": host.client(), "Server": host.version()}  # docker's two halves are one here
    _print({**both, **facts}, form, "\n".join(f"{name + ':':10} {value}" for name, value in facts.items()))
