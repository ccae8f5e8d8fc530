"""Makes a term of what stands in an action.

pipeline = [$NAME[, $NAME] := | =] command {| command}
command  = operand {blank operand}
operand  = ( pipeline ) | .FIELD | $NAME | FUNCTION | constant, and any .FIELD directly behind it
"""

from __future__ import annotations

import ast
import re

from mydocker.cli.template import nodes
from mydocker.cli.template.values import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mydocker.cli.template.lexer import Token

# Parentheses may be so deep in each other.
_DEPTH = 50

# What may stand behind a backslash.
_ESCAPED = re.compile(r"""[^\\]|\\(?:[abfnrtv\\"']|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})""")

_CONSTANTS = {"true": True, "false": False, "nil": None}
_CHOICES = {"and": False, "or": True}


class Words:
    """The tokens of one action that are not read yet."""

    def __init__(self, tokens: list[Token], functions: dict[str, Callable[..., Any]], variables: list[str]) -> None:
        self.left = tokens
        self.functions = functions
        self.variables = variables  # those that are known; what is declared here is added
        self.depth = 0

    def _at(self, *texts: str) -> bool:
        return bool(self.left) and self.left[0].kind == "sign" and self.left[0].text in texts

    def _take(self) -> Token:
        token, self.left = self.left[0], self.left[1:]
        return token

    def pipeline(self, most: int) -> nodes.Pipeline:
        """Parse a pipeline. most: how many variables may stand before it"""
        names, declares = self._variables(most)
        commands = [self._command()]
        while self._at("|"):
            self._take()
            commands.append(self._command())
            if isinstance(commands[-1], (nodes.Constant, nodes.Dot)):
                raise Problem("a value on the right of |: expected a function")
        if declares:
            self.variables += names
        return nodes.Pipeline(commands=commands, names=names, declares=declares)

    def _variables(self, most: int) -> tuple[list[str], bool]:
        """Parse $NAME := or $NAME = or $NAME, $NAME :=. Return (the names, whether they are declared)."""
        for count in range(1, most + 1):
            head = self.left[: 2 * count]
            names = [token.text for token in head[::2] if token.kind == "variable"]
            signs = [token.text for token in head[1::2]]
            if len(names) == count and signs in ([*[","] * (count - 1), last] for last in (":=", "=")):
                self.left = self.left[2 * count :]
                return self._known(names, signs[-1] == "="), signs[-1] == ":="
        return [], False

    def _known(self, names: list[str], is_wanted: bool) -> list[str]:
        for name in names if is_wanted else ():
            if name not in self.variables:
                raise Problem(f"there is no variable {name!r}")
        return names

    def _command(self) -> nodes.Term:
        terms: list[nodes.Term] = []
        while self.left and not self._at("|", ")"):
            if terms and not self.left[0].is_apart:
                raise Problem(f"unexpected {self.left[0].text!r}")
            terms.append(self._operand())
        if not terms:
            raise Problem("a value is missing")
        return self._called(terms[0], terms[1:])

    def _called(self, first: nodes.Term, arguments: list[nodes.Term]) -> nodes.Term:
        if isinstance(first, nodes.Choice) and not first.arguments:
            return nodes.Choice(stops_at=first.stops_at, arguments=arguments)
        if isinstance(first, nodes.Constant) and first.constant is None and not arguments:
            raise Problem("nil is no value to begin with")
        return nodes.Command(first=first, arguments=arguments) if arguments else first

    def _operand(self) -> nodes.Term:
        token = self._take()
        term = self._term(token)
        names = []
        while self.left and self.left[0].kind == "field" and not self.left[0].is_apart:
            names.append(self._take().text[1:])
        if not names:
            return term
        if isinstance(term, nodes.Fields) and token.kind == "field":
            return nodes.Fields(of=term.of, names=[*term.names, *names])
        if isinstance(term, (nodes.Constant, nodes.Dot)):
            raise Problem(f"unexpected {'.' + names[0]!r} after {token.text!r}")
        return nodes.Fields(of=term, names=names)

    def _term(self, token: Token) -> nodes.Term:
        if token.kind == "sign" and token.text == "(":
            return self._parenthesis()
        if token.kind == "dot":
            return nodes.Dot()
        if token.kind == "field":
            return nodes.Fields(of=nodes.Dot(), names=[token.text[1:]])
        if token.kind == "variable":
            self._known([token.text], True)
            return nodes.Variable(name=token.text)
        if token.kind == "word":
            return self._word(token.text)
        if token.kind == "sign":
            raise Problem(f"unexpected {token.text!r}")
        constants: dict[str, Callable[[Token], Any]] = {"number": lambda each: _number(each.text), "char": lambda each: _char(each.text)}
        return nodes.Constant(constant=constants.get(token.kind, text_of)(token))

    def _parenthesis(self) -> nodes.Term:
        self.depth += 1
        if self.depth > _DEPTH:
            raise Problem(f"more than {_DEPTH} parentheses in each other")
        inner = self.pipeline(1)
        if not self._at(")"):
            raise Problem("( is not closed")
        self._take()
        self.depth -= 1
        return inner

    def _word(self, word: str) -> nodes.Term:
        if word in _CONSTANTS:
            return nodes.Constant(constant=_CONSTANTS[word])
        if word in _CHOICES:
            return nodes.Choice(stops_at=_CHOICES[word], arguments=[])
        if word not in self.functions:
            raise Problem(f"unknown function {word!r}: expected one of {', '.join(sorted({*self.functions, *_CHOICES}))}")
        return nodes.Function(name=word, function=self.functions[word])


def text_of(token: Token) -> str:
    """Return what a string says."""
    return str(_literal(token.text, "string"))


def _literal(word: str, what: str) -> Any:
    if word[0] == "`":
        return word[1:-1]
    try:
        if _ESCAPED.sub("", word):
            raise ValueError(word)
        text = ast.literal_eval(word)
        text.encode()  # Raises ValueError for half a surrogate pair.
    except (ValueError, SyntaxError) as error:
        raise Problem(f"{word} is no {what}") from error
    return text


def _char(word: str) -> int:
    """Return the number of a character."""
    text = _literal(word, "character")
    if len(text) != 1:
        raise Problem(f"{word} is no character")
    return ord(text)


def _number(word: str) -> Any:
    try:
        return float(word) if word.lstrip("+-")[:2].lower() not in ("0x", "0b", "0o") and set(word) & set(".eE") else _integer(word)
    except ValueError as error:
        raise Problem(f"{word} is no number") from error


def _integer(word: str) -> int:
    """Return an integer as Go reads it: 010 is octal."""
    digits = word.lstrip("+-")
    is_octal = digits[:1] == "0" and digits.replace("_", "").isdigit()
    value = int(word.replace("_", ""), 8 if is_octal else 0)
    if not -(2**63) <= value < 2**63:
        raise ValueError(word)
    return value
