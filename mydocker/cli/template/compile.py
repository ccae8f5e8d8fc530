"""Go's text/template, whole, with docker's functions: what people write behind --format.

    text ──lexer──> pieces: text, and actions made of tokens
         ──parser─> nodes, see nodes.py
         ──apply──> text

A template is compiled once and then applied to any number of values: dictionaries, lists, strings, numbers, truth values and None. A value
that can be called stands for a method, such as .Label "tier".

Source of the language: the documentation of Go's packages text/template and fmt, and docker's "Format command and log output".
What differs: there are no types here, so a document prints as Go's map does, and None, which may be any nil, is an empty list or an empty
map where one is wanted.
"""

from __future__ import annotations

from mydocker.cli.template.functions import FUNCTIONS, HEADING_FUNCTIONS
from mydocker.cli.template.parser import Parser
from mydocker.cli.template.values import Problem
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def compile_template(text: str, is_heading: bool = False) -> Callable[[Any], str]:
    """Return a function that applies a template to a value and returns the text. Raises BadInput if `text` is not a template.

    is_heading: the values are a table's headings, which json, upper and so on leave as they are
    """
    try:
        template = Parser(text, HEADING_FUNCTIONS if is_heading else FUNCTIONS).parse()
    except Problem as problem:
        raise _bad(text, problem) from None

    def apply(value: Any) -> str:
        try:
            return template.apply(value)
        except Problem as problem:
            raise _bad(text, problem) from None

    return apply


def _bad(text: str, problem: Problem) -> BadInput:
    return BadInput(f"invalid --format {text!r}: {problem}")
