"""Makes nodes of a template's pieces: blocks and what is in them. What an action says is read by pipeline.py."""

from __future__ import annotations

from mydocker.cli.template import nodes
from mydocker.cli.template.lexer import Action, Token, pieces
from mydocker.cli.template.pipeline import Words, text_of
from mydocker.cli.template.values import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Blocks may be so deep in each other.
_DEPTH = 50


class Parser:
    """Reads blocks, which may contain others."""

    def __init__(self, text: str, functions: dict[str, Callable[..., Any]]) -> None:
        self.pieces = list(pieces(text))
        self.functions = functions
        self.position = 0
        self.templates: dict[str, nodes.Block] = {}
        self.variables = ["$"]
        self.blocks: list[str] = []  # the words of the open ones

    def parse(self) -> nodes.Template:
        body, end = self._block()
        if end:
            raise Problem(f"{{{{{end[0].text}}}}} without a block")
        return nodes.Template(body=body, templates=self.templates)

    def _block(self) -> tuple[nodes.Block, list[Token]]:
        """Parse up to the {{end}} or {{else}} of the open block. Return it and that action's tokens, none for the text's end."""
        made: list[nodes.Node] = []
        kept = len(self.variables)
        while self.position < len(self.pieces):
            piece = self.pieces[self.position]
            self.position += 1
            if isinstance(piece, str):
                made.append(nodes.Text(text=piece))
                continue
            word = piece.tokens[0].text if piece.tokens and piece.tokens[0].kind == "word" else ""
            if word in ("end", "else"):
                del self.variables[kept:]
                return nodes.Block(nodes=made), piece.tokens
            made += self._action(word, piece)
        return nodes.Block(nodes=made), []

    def _action(self, word: str, action: Action) -> list[nodes.Node]:
        rest = action.tokens[1:]
        if word in ("if", "with"):
            return [self._choosing(word, rest)]
        if word == "range":
            return [self._range(rest)]
        if word in ("break", "continue"):
            return [self._jump(word, rest)]
        if word == "define":
            self._define(word, rest)
            return []
        if word == "block":
            name, after = self._name(word, rest)
            self._define(word, rest[:1])
            return [nodes.Call(name=name, term=self._pipeline(after))]
        if word == "template":
            name, after = self._name(word, rest)
            return [nodes.Call(name=name, term=self._pipeline(after) if after else nodes.Constant(constant=None))]
        return [nodes.Shown(term=self._pipeline(action.tokens))]

    def _open(self, word: str) -> None:
        self.blocks.append(word)
        if len(self.blocks) > _DEPTH:
            raise Problem(f"more than {_DEPTH} blocks in each other")

    def _rest_of(self, word: str, has_else: bool = True) -> tuple[nodes.Block, nodes.Block]:
        """Parse the body of a block and its {{else}}, up to its {{end}}."""
        self._open(word)
        body, end = self._block()
        otherwise = nodes.Block(nodes=[])
        if end and end[0].text == "else" and has_else:
            if chained := end[1:]:
                otherwise = nodes.Block(nodes=[self._chained(word, chained)])
                end = [Token(kind="word", text="end", is_apart=False)]
            else:
                otherwise, end = self._block()
        if len(end) != 1 or end[0].text != "end":
            raise Problem(f"{{{{{word}}}}} is not closed by {{{{end}}}}")
        self.blocks.pop()
        return body, otherwise

    def _chained(self, word: str, tokens: list[Token]) -> nodes.Node:
        """Parse {{else if …}} and {{else with …}}, which the {{end}} of the whole closes."""
        if word not in ("if", "with") or tokens[0].text != word:
            raise Problem(f"unexpected {tokens[0].text!r} behind {{{{else}}}} of {{{{{word}}}}}")
        return self._choosing(word, tokens[1:])

    def _choosing(self, word: str, tokens: list[Token]) -> nodes.Choosing:
        kept = len(self.variables)
        term = self._pipeline(tokens)
        body, otherwise = self._rest_of(word)
        del self.variables[kept:]
        return nodes.Choosing(term=term, narrows=word == "with", body=body, otherwise=otherwise)

    def _range(self, tokens: list[Token]) -> nodes.Range:
        kept = len(self.variables)
        term = self._pipeline(tokens, most=2)
        names, term.names = term.names, []
        body, otherwise = self._rest_of("range")
        del self.variables[kept:]
        return nodes.Range(term=term, names=names, declares=term.declares, body=body, otherwise=otherwise)

    def _jump(self, word: str, rest: list[Token]) -> nodes.Jump:
        if rest or "range" not in self.blocks:
            raise Problem(f"{{{{{word}}}}} outside {{{{range}}}}" if not rest else f"unexpected {rest[0].text!r} behind {word}")
        return nodes.Jump(word=word)

    def _define(self, word: str, tokens: list[Token]) -> None:
        name, after = self._name(word, tokens)
        if after or (word == "define" and self.blocks):
            raise Problem(f"unexpected {after[0].text!r} in define" if after else "{{define}} inside another block")
        outer, self.variables = self.variables, ["$"]
        blocks, self.blocks = self.blocks, []
        self.templates[name] = self._rest_of(word, has_else=False)[0]
        self.variables, self.blocks = outer, blocks

    def _name(self, word: str, tokens: list[Token]) -> tuple[str, list[Token]]:
        if not tokens or tokens[0].kind != "string":
            raise Problem(f"{word} expects a name in quotes")
        return text_of(tokens[0]), tokens[1:]

    def _pipeline(self, tokens: list[Token], most: int = 1) -> nodes.Pipeline:
        words = Words(tokens, self.functions, self.variables)
        pipeline = words.pipeline(most)
        if words.left:
            raise Problem(f"unexpected {words.left[0].text!r}")
        return pipeline
