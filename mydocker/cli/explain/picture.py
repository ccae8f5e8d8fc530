"""--explain=svg, html and trace: all steps are kept, and become one document at the end.

The document is what the command line prints: `mydocker --explain=svg run … > start.svg`. What the verb and the container's program write to
standard output goes to standard error instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mydocker import reasons
from mydocker.cli.explain.html import html
from mydocker.cli.explain.svg import svg
from mydocker.cli.explain.teller import Teller
from mydocker.cli.explain.timeline import timeline
from mydocker.cli.explain.trace import trace
from mydocker.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.cli.explain.timeline import Timeline
    from mydocker.engine.view.containertree import Sight
    from mydocker.messages import Explanation

FORMS: dict[str, Callable[[Timeline, str], str]] = {"svg": svg, "html": html, "trace": trace}


class Picture(Teller):
    """Keeps the steps and the messages, and writes a document at the end, to what standard output was at first."""

    def __init__(self, form: str) -> None:
        super().__init__(err=True)
        self.draw = FORMS[form]
        self.kept: list[Explanation] = []
        self.sights: tuple[Sight, Sight] | None = None
        self.output = os.dup(1)
        os.dup2(2, 1)

    def tell(self, told: Explanation) -> None:
        self.kept.append(told)

    def show(self, before: Sight, after: Sight) -> None:
        self.sights = before, after

    def finish(self) -> None:
        os.dup2(self.output, 1)
        with open(self.output, "w", encoding="utf-8") as output:
            if any(each["at"] is not None for each in self.kept):
                tongue = reasons.language()
                output.write(self.draw(timeline(self.kept, tongue, self.sights), tongue))


def picture(form: str, dry_run: bool) -> Picture:
    """Return what draws the steps. Raises BadInput if nothing will be done, or where a document would be written to a terminal."""
    if dry_run:
        raise BadInput(f"--explain={form}: expected a command that is done, as steps without times cannot be drawn; not --dry-run")
    if os.isatty(1):
        raise BadInput(f"--explain={form}: standard output is a terminal, expected a file", f"add > start.{_ENDINGS[form]}")
    return Picture(form)


_ENDINGS = {"svg": "svg", "html": "html", "trace": "json"}
