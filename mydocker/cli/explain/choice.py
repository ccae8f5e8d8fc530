"""Which way of printing steps a command line asks for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mydocker.cli.explain.teller import LINES, Teller

if TYPE_CHECKING:
    from mydocker.cli.base import Session

PICTURES = ("svg", "html", "trace")


def teller_of(session: Session) -> Teller:
    """Return what prints the steps of a session."""
    err, how = not session.dry_run, session.explain or "text"
    if how == "why" or (how == "text" and os.isatty(2 if err else 1)):
        from mydocker.cli.explain.text import Grouped

        return Grouped(session.paths, err, how == "why")
    if how in PICTURES:
        from mydocker.cli.explain.picture import picture

        return picture(how, session.dry_run)
    return LINES.get(how, Teller)(err)
