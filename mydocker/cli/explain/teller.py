"""How steps are printed: one after the other as they are done, or all together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mydocker import leanjson, reasons
from mydocker.cli.base import echo
from mydocker.cli.table import harmless

if TYPE_CHECKING:
    from mydocker.engine.view.containertree import Sight
    from mydocker.messages import Explanation


class Teller:
    """Prints steps, one line each as soon as it is told. A dry run's go to standard output, what was done to standard error."""

    def __init__(self, err: bool) -> None:
        self.err = err

    def tell(self, told: Explanation) -> None:
        """Print one step, or keep it. Messages between processes are only for pictures."""
        if not told["message"]:
            echo(self.line(told), err=self.err)

    def line(self, told: Explanation) -> str:
        """Return a step as a line of text."""
        took = "" if told["seconds"] is None else f"{told['seconds'] * 1000:8.2f} ms"
        return f"{told['who']:8}{took} {harmless(told['step'])}"

    def show(self, before: Sight, after: Sight) -> None:
        """Take what the kernel had of a process before a start and of the container's after it. Only a page shows that."""

    def flush(self) -> None:
        """Print what was kept. It is called when nothing more comes soon: before a program's output, and at the end."""

    def finish(self) -> None:
        """Print all that was not printed yet: this is the end."""
        self.flush()


class Shell(Teller):
    """Prints the shell command of each step."""

    def line(self, told: Explanation) -> str:
        return told["shell"] or f"# {harmless(told['step'])}"


class Json(Teller):
    """Prints one JSON object a step, with its reason and its place in the code."""

    def __init__(self, err: bool) -> None:
        super().__init__(err)
        self.language = reasons.language()

    def line(self, told: Explanation) -> str:
        return leanjson.dumps(document(told, self.language))


def document(told: Explanation, language: str) -> dict[str, object]:
    """Return a step as --explain=json has it. language: of the reason."""
    why = reasons.reason(told)
    return {
        "at": told["at"],
        "seconds": told["seconds"],
        "pid": told["pid"],
        "who": told["who"],
        "kind": why.kind,
        "step": told["step"],
        "where": reasons.place(told["origin"]),
        "why": why.text(language),
    }


LINES = {"all": Teller, "sh": Shell, "json": Json}
