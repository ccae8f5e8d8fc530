"""What a template is made of. A node writes text, and a term has a value; both ask a scope for the value of . and of variables."""

from __future__ import annotations

from mydocker.cli.template.values import Problem, called, field, items, shown
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# A template may call itself so deep.
_DEPTH = 50


class Scope:
    """The value of ., the variables, the text so far, and the templates by name."""

    __slots__ = ("dot", "variables", "written", "templates", "depth")

    def __init__(self, dot: Any, written: list[str], templates: dict[str, Block], depth: int = 0) -> None:
        self.dot = dot
        self.variables: list[list[Any]] = [["$", dot]]  # [name, value]; the last of a name counts
        self.written = written
        self.templates = templates
        self.depth = depth

    def variable(self, name: str) -> list[Any]:
        return next(each for each in reversed(self.variables) if each[0] == name)


class Term(Value):
    """Something that has a value."""

    def value(self, scope: Scope) -> Any:
        raise NotImplementedError

    def applied(self, scope: Scope, arguments: list[Any]) -> Any:
        """Return the value with arguments behind it. Only a function and a field can have some."""
        if arguments:
            raise Problem("arguments behind what is no function")
        return self.value(scope)


class Constant(Term):
    """A text, a number, true, false or nil."""

    constant: Any

    def value(self, scope: Scope) -> Any:
        return self.constant


class Dot(Term):
    """The value that the template is applied to, or that range or with is at."""

    __slots__ = ()

    def value(self, scope: Scope) -> Any:
        return scope.dot


class Variable(Term):
    """$NAME, or $ for the value that the template was begun with."""

    name: str

    def value(self, scope: Scope) -> Any:
        return scope.variable(self.name)[1]


class Fields(Term):
    """TERM.A.B."""

    of: Term
    names: list[str]

    def value(self, scope: Scope) -> Any:
        return self.applied(scope, [])

    def applied(self, scope: Scope, arguments: list[Any]) -> Any:
        found = self.of.value(scope)
        for name in self.names[:-1]:
            found = field(found, name)
        found, last = field(found, self.names[-1]), self.names[-1]
        return called(found, last, arguments) if arguments or callable(found) else found


class Function(Term):
    """A function without arguments. A command gives it some."""

    name: str
    function: Callable[..., Any]

    def value(self, scope: Scope) -> Any:
        return self.applied(scope, [])

    def applied(self, scope: Scope, arguments: list[Any]) -> Any:
        try:
            return self.function(*arguments)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
            raise Problem(f"{self.name}: {_reason(error, self.function)}") from error


def _reason(error: Exception, function: object) -> str:
    words = str(error).removeprefix(f"{getattr(function, '__qualname__', '')}() ")
    return words if not words.startswith("<lambda>") else words.partition(" ")[2]


class Choice(Term):
    """The function `and` or `or`: arguments after the one that decides are not asked."""

    stops_at: bool
    arguments: list[Term]

    def applied(self, scope: Scope, arguments: list[Any]) -> Any:
        found = None
        terms = [*self.arguments, *(Constant(constant=each) for each in arguments)]
        if not terms:
            raise Problem(f"{'or' if self.stops_at else 'and'} without an argument")
        for term in terms:
            found = term.value(scope)
            if bool(found) is self.stops_at:
                break
        return found

    def value(self, scope: Scope) -> Any:
        return self.applied(scope, [])


class Command(Term):
    """TERM ARGUMENT…"""

    first: Term
    arguments: list[Term]

    def value(self, scope: Scope) -> Any:
        return self.applied(scope, [])

    def applied(self, scope: Scope, arguments: list[Any]) -> Any:
        return self.first.applied(scope, [*(each.value(scope) for each in self.arguments), *arguments])


class Pipeline(Term):
    """COMMAND | COMMAND…: what one has is the last argument of the next. Before it may stand $NAME := or $NAME =."""

    commands: list[Term]
    names: list[str]
    declares: bool

    def value(self, scope: Scope) -> Any:
        found = self.commands[0].value(scope)
        for command in self.commands[1:]:
            found = command.applied(scope, [found])
        for name in self.names:
            self.set(scope, name, found)
        return found

    def set(self, scope: Scope, name: str, found: Any) -> None:
        if self.declares:
            scope.variables.append([name, found])
        else:
            scope.variable(name)[1] = found


class Node(Value):
    """Something that writes text. `write` returns 'break' or 'continue' if a loop has to, else ''."""

    def write(self, scope: Scope) -> str:
        raise NotImplementedError


class Text(Node):
    """Text outside of actions."""

    text: str

    def write(self, scope: Scope) -> str:
        scope.written.append(self.text)
        return ""


class Shown(Node):
    """An action that writes a value. With a variable before it, it writes nothing."""

    term: Pipeline

    def write(self, scope: Scope) -> str:
        found = self.term.value(scope)
        if not self.term.names:
            scope.written.append("<no value>" if found is None else shown(found))
        return ""


class Jump(Node):
    """{{break}} or {{continue}}."""

    word: str

    def write(self, scope: Scope) -> str:
        return self.word


class Block(Node):
    """Nodes one after the other."""

    nodes: list[Node]

    def write(self, scope: Scope) -> str:
        for node in self.nodes:
            if jump := node.write(scope):
                return jump
        return ""

    def inside(self, scope: Scope, dot: Any) -> str:
        """Write the block with another value of `.`; what it declares ends with it."""
        outer, kept = scope.dot, len(scope.variables)
        scope.dot = dot
        jump = self.write(scope)
        scope.dot = outer
        del scope.variables[kept:]
        return jump


class Choosing(Node):
    """{{if}} and {{with}}."""

    term: Pipeline
    narrows: bool  # with: the value is . inside
    body: Block
    otherwise: Block

    def write(self, scope: Scope) -> str:
        kept = len(scope.variables)
        found = self.term.value(scope)
        jump = self.body.inside(scope, found if self.narrows else scope.dot) if found else self.otherwise.inside(scope, scope.dot)
        del scope.variables[kept:]
        return jump


class Range(Node):
    """{{range}}. One name is the item's, two are the key's and the item's."""

    term: Pipeline  # without its names
    names: list[str]
    declares: bool
    body: Block
    otherwise: Block

    def write(self, scope: Scope) -> str:
        found = self.term.value(scope)
        kept, ran = len(scope.variables), False
        for pair in items(found):
            ran = True
            for name, each in zip(self.names, pair[2 - len(self.names) :], strict=False):
                self.term.set(scope, name, each)
            jump = self.body.inside(scope, pair[1])
            if self.declares:
                del scope.variables[kept:]
            if jump == "break":
                break
        return "" if ran else self.otherwise.inside(scope, scope.dot)


class Call(Node):
    """{{template "NAME" VALUE}}."""

    name: str
    term: Term

    def write(self, scope: Scope) -> str:
        if self.name not in scope.templates:
            raise Problem(f"there is no template {self.name!r}")
        if scope.depth == _DEPTH:
            raise Problem(f"template {self.name!r} calls itself more than {_DEPTH} times")
        inner = Scope(self.term.value(scope), scope.written, scope.templates, scope.depth + 1)
        scope.templates[self.name].write(inner)
        return ""


class Template(Value):
    """A whole template."""

    body: Block
    templates: dict[str, Block]

    def apply(self, value: Any) -> str:
        written: list[str] = []
        self.body.write(Scope(value, written, self.templates))
        return "".join(written)
