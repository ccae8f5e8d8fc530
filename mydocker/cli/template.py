"""Go's text/template, as far as people use it with docker's --format.

    {{.Name}}  {{.State.Pid}}  {{json .Config}}  {{len .Mounts}}  {{upper .Name}}  {{lower .Name}}  {{join .Args " "}}
    {{.Label "tier"}}  {{printf "%s-%d" .Name 3}}  {{index .Config.Labels "a.b"}}  {{eq .Driver "local"}}  {{.Name | upper}}
    {{println .Name}}  {{(index .Mounts 0).Source}}
    {{range .Mounts}}…{{else}}…{{end}}  {{range $k, $v := .Labels}}…{{end}}  {{if .Running}}…{{else if …}}…{{else}}…{{end}}

A template is compiled once, and then applied to any number of values: dictionaries, lists, strings, numbers, truth values and None.
"""

from __future__ import annotations

import json
import re

from mydocker.cli.functions import FUNCTIONS, shown
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    # A template's variables by name. They hold any value of the document.
    Scope = dict[str, Any]
    Node = Callable[[Any, Scope], str]
    Term = Callable[[Any, Scope], Any]

_ACTION = re.compile(r"\{\{(-?)(.*?)(-?)\}\}", re.DOTALL)
_WORD = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|`[^`]*`|\$?[\w.]+|\$|:=|[|(),])""")


def compile_template(text: str) -> Callable[[Any], str]:
    """Return a function that applies a template to a value and returns the text. Raises BadInput if `text` is not a template."""
    nodes = _Parser(text).parse()

    def apply(value: Any) -> str:
        return "".join(node(value, {"$": value}) for node in nodes)

    return apply


class _Parser:
    """Cuts a template into text and {{actions}}, and finds the blocks, which may contain others."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces = self._cut()
        self.position = 0

    def error(self, words: str) -> BadInput:
        return BadInput(f"invalid --format {self.text!r}: {words}")

    def _cut(self) -> list[tuple[bool, str]]:
        """Return the template's pieces: (whether it is an action, text). {{- and -}} remove the blanks beside them."""
        pieces: list[tuple[bool, str]] = []
        end, trim = 0, False
        for match in _ACTION.finditer(self.text):
            before = self.text[end : match.start()]
            before = before.lstrip() if trim else before
            pieces += [(False, before.rstrip() if match[1] else before), (True, match[2].strip())]
            end, trim = match.end(), bool(match[3])
        rest = self.text[end:]
        if "{{" in rest:
            raise self.error("an action is not closed by }}")
        return [*pieces, (False, rest.lstrip() if trim else rest)]

    def parse(self) -> list[Node]:
        nodes, ended_by = self._block()
        if ended_by:
            raise self.error(f"{{{{{ended_by}}}}} without a block")
        return nodes

    def _block(self) -> tuple[list[Node], str]:
        """Parse until the {{end}} or {{else}} of the open block. Return the nodes, and the word that ended it, '' for the text's end."""
        nodes: list[Node] = []
        while self.position < len(self.pieces):
            is_action, text = self.pieces[self.position]
            self.position += 1
            word, _, rest = text.partition(" ")
            if not is_action:
                nodes.append(_constant(text))
            elif word in ("end", "else"):
                return nodes, text
            elif word in ("range", "if", "with"):
                nodes.append(self._control(word, rest))
            elif not text.startswith("/*"):
                nodes.append(_printing(self._term(text)))
        return nodes, ""

    def _control(self, word: str, text: str) -> Node:
        """Parse the rest of a range, if or with block."""
        names, term = self._head(text)
        body, ended_by = self._block()
        otherwise: list[Node] = []
        if ended_by.startswith("else if "):
            otherwise = [self._control("if", ended_by.removeprefix("else if "))]
        elif ended_by == "else":
            otherwise, ended_by = self._block()
            if ended_by != "end":
                raise self.error(f"{{{{{word}}}}} is not closed by {{{{end}}}}")
        elif ended_by != "end":
            raise self.error(f"{{{{{word}}}}} is not closed by {{{{end}}}}")
        return {"range": _ranging, "if": _choosing, "with": _narrowing}[word](names, term, body, otherwise)

    def _head(self, text: str) -> tuple[list[str], Term]:
        if ":=" not in text:
            return [], self._term(text)
        names, _, rest = text.partition(":=")
        return [name.strip() for name in names.split(",")], self._term(rest)

    def _term(self, text: str) -> Term:
        """Parse a pipeline. The value on the left of | is the last argument of the function on the right."""
        words = self._words(text)
        term, rest = self._pipeline(words)
        if rest:
            raise self.error(f"unexpected {rest[0]!r}")
        return term

    def _words(self, text: str) -> list[str]:
        words, position = [], 0
        while text[position:].strip():
            match = _WORD.match(text, position)
            if not match:
                raise self.error(f"unexpected {text[position:].strip()!r}")
            words.append(match[1])
            position = match.end()
        return words

    def _pipeline(self, words: list[str]) -> tuple[Term, list[str]]:
        term, words = self._call(words, None)
        while words and words[0] == "|":
            term, words = self._call(words[1:], term)
        return term, words

    def _call(self, words: list[str], last: Term | None) -> tuple[Term, list[str]]:
        """Parse FUNCTION ARGUMENT… or a single operand. Return it, and the words that are left. last: the value on the left of |."""
        if not words or words[0] in ("|", ")"):
            raise self.error("a value is missing")
        if words[0] in FUNCTIONS:
            function, words = FUNCTIONS[words[0]], words[1:]
            arguments = []
            while words and words[0] not in ("|", ")"):
                argument, words = self._operand(words)
                arguments.append(argument)
            return self._applied(function, [*arguments, *([last] if last else [])]), words
        if last:
            raise self.error(f"unknown function {words[0]!r}: expected one of {', '.join(sorted(FUNCTIONS))}")
        term, rest = self._operand(words)
        return self._method(term, rest) if rest and words[0].startswith(".") and rest[0] not in ("|", ")") else (term, rest)

    def _method(self, term: Term, words: list[str]) -> tuple[Term, list[str]]:
        """Parse the argument of a field that takes one, such as {{.Label "tier"}}."""
        argument, rest = self._operand(words)
        return self._applied(lambda method, text: method(text), [term, argument]), rest

    def _applied(self, function: Callable[..., Any], arguments: list[Term]) -> Term:
        def term(value: Any, scope: Scope) -> Any:
            try:
                return function(*(argument(value, scope) for argument in arguments))
            except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
                raise self.error(str(error)) from error

        return term

    def _operand(self, words: list[str]) -> tuple[Term, list[str]]:
        word, rest = words[0], words[1:]
        if word == "(":
            term, rest = self._pipeline(rest)
            if not rest or rest[0] != ")":
                raise self.error("( is not closed")
            rest = rest[1:]
            if rest and rest[0].startswith("."):
                return self._field(term, rest[0]), rest[1:]
            return term, rest
        if word.startswith(("$", ".")):
            name, dot, path = word.partition(".")
            start: Term = (lambda value, scope: scope.get(name)) if name else (lambda value, scope: value)
            return self._field(start, dot + path), rest
        if word[0] in '"`':
            text = self._string(word) if word[0] == '"' else word[1:-1]
            return (lambda value, scope: text), rest
        if word.isdigit():
            return (lambda value, scope: int(word)), rest
        if word in ("true", "false"):
            return (lambda value, scope: word == "true"), rest
        raise self.error(f"unknown function {word!r}: expected one of {', '.join(sorted(FUNCTIONS))}")

    def _string(self, word: str) -> str:
        """Return what a string in double quotes says."""
        try:
            return str(json.loads(word))
        except ValueError as error:
            raise self.error(f"{word} is no string") from error

    def _field(self, term: Term, path: str) -> Term:
        """Return a term that looks up a path such as .A.B in another term's value."""
        names = [name for name in path.split(".") if name]

        def field(value: Any, scope: Scope) -> Any:
            found = term(value, scope)
            for name in names:
                if not isinstance(found, dict):
                    raise self.error(f"{shown(found)!r} has no field {name!r}")
                if name not in found and found and not _is_map(found):
                    raise self.error(f"there is no field {name!r}: expected one of {', '.join(map(str, found))}")
                found = found.get(name)
            return found

        return field


def _is_map(value: Iterable[object]) -> bool:
    """Say whether a dictionary has names that the user chose, as labels have. It may lack a name, but a document has all its fields."""
    return not all(isinstance(key, str) and key[:1].isupper() for key in value)


def _constant(text: str) -> Node:
    return lambda value, scope: text


def _printing(term: Term) -> Node:
    return lambda value, scope: shown(term(value, scope))


def _all(nodes: list[Node], value: Any, scope: Scope) -> str:
    return "".join(node(value, scope) for node in nodes)


def _choosing(names: list[str], term: Term, body: list[Node], otherwise: list[Node]) -> Node:
    return lambda value, scope: _all(body if term(value, scope) else otherwise, value, scope)


def _narrowing(names: list[str], term: Term, body: list[Node], otherwise: list[Node]) -> Node:
    def node(value: Any, scope: Scope) -> str:
        found = term(value, scope)
        return _all(body, found, {**scope, **dict.fromkeys(names, found)}) if found else _all(otherwise, value, scope)

    return node


def _ranging(names: list[str], term: Term, body: list[Node], otherwise: list[Node]) -> Node:
    def node(value: Any, scope: Scope) -> str:
        found = term(value, scope) or []
        if not isinstance(found, (list, tuple, dict)):
            raise BadInput(f"template: range over {shown(found)!r}: expected a list or a map")
        pairs = sorted(found.items()) if isinstance(found, dict) else list(enumerate(found))
        if not pairs:
            return _all(otherwise, value, scope)
        # One name is the item's. Two names are the key's and the item's.
        return "".join(_all(body, pair[1], {**scope, **dict(zip(names, pair[2 - len(names) :], strict=False))}) for pair in pairs)

    return node
