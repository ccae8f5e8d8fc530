"""Steps as commands of a script to paste, with their reasons as comments. Each reason is told once in a script."""

from __future__ import annotations

import os
import re
from textwrap import wrap

from mydocker import leanjson, reasons
from mydocker.engine.view.compact import document, looped, named, usable
from mydocker.explaining import planned
from mydocker.steps.base import quote
from mydocker.steps.files import CreateFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Step

_WIDTH = {"en": 110, "zh": 55}  # characters of a line of comment; a Chinese one takes two columns
_LEFT_OUT = "the seccomp profile of mydocker's config.json is left out: a shell cannot load a filter"


class Commented:
    """Writes steps as commands.

    names: {long path or id: the variable that holds it}, those inside others first
    language: of the comments
    """

    __slots__ = ("names", "language", "_told", "_kind")

    def __init__(self, names: dict[str, str], language: str) -> None:
        self.names = usable(names)
        self.language = language
        self._told: set[str] = set()
        self._kind = ""

    def lines(self, steps: list[Step]) -> list[str]:
        """Return the commands of steps, in their order. Before the first with a reason comes the reason."""
        lines: list[str] = []
        waiting: list[str] = []
        for step in steps:
            comments = self._comments(step)
            if comments:
                lines += [*looped(waiting), *comments]
                waiting = []
            waiting.append(self._command(step))
        return [*lines, *looped(waiting)]

    def named(self, line: str) -> str:
        """Return a command with variables for the long paths and the id."""
        return named(line, self.names)

    def variables(self, lines: list[str]) -> list[str]:
        """Return the commands that set the variables that these lines use. The scripts of all processes inherit them."""
        found: list[str] = []
        text = "\n".join(lines)
        for value, name in self.names.items():
            if re.search(rf"\${name}\b", text):
                others = {path: other for path, other in self.names.items() if other != name}
                found.insert(0, f"export {name}={named(quote(value), others)}")
                text += found[0]
        return found

    def _comments(self, step: Step) -> list[str]:
        why = reasons.reason(planned("", step))
        text = why.text(self.language)
        if not text or text in self._told:
            return []
        self._told.add(text)
        heading = [] if why.kind == self._kind else ["", f"# --- {reasons.kind_name(why.kind, self.language)}"]
        self._kind = why.kind
        return [*heading, *(f"## {line}" for line in wrap(text, _WIDTH[self.language]))]

    def _command(self, step: Step) -> str:
        if isinstance(step, CreateFile) and os.path.basename(step.path) == "config.json":
            return self._config(leanjson.loads(step.content), self.named(quote(step.path)))
        return self.named(step.shell())

    def _config(self, config: Spec, path: str) -> str:
        """Return the commands that write config.json, one field a line. The seccomp profile would be three quarters of the script."""
        told = f"# {_LEFT_OUT}\n" if config.get("linux", {}).pop("seccomp", None) else ""
        fields = [f"{leanjson.text(name)}:{leanjson.text(value)}" for name, value in config.items()]
        body = document("{" + ",\n".join(fields) + "}", self.names)
        capabilities = leanjson.text(config["process"]["capabilities"].get("bounding", []))
        if capabilities in body and capabilities != "[]":
            told += f"CAPS={quote(capabilities)}\n"
            body = body.replace(capabilities, "$CAPS")
        return f"{told}cat > {path} <<END\n{body}\nEND"
