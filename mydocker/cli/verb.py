"""The command line as data: groups of verbs, and the flags and arguments that each verb takes.

    @verb(
        switch("-f", "--force", help="End a running container first (SIGKILL)."),
        argument("names", "CONTAINER...", SOME),
    )
    def rm(session: Session, force: bool, names: tuple[str, ...]) -> int:

Two readers turn a command line into the values of these parameters: the lean one for every line that is right, and click for the others
(`--help`, completion, and what is wrong with a line).
"""

from __future__ import annotations

import sys

from mydocker.errors import BadInput
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# How many words an argument takes.
ONE, OPTIONAL, ANY, SOME = "one", "optional", "any", "some"

ANY_INTEGER = (-(10**18), 10**18)


class Flag(Value):
    """An option of a verb."""

    names: tuple[str, ...]  # such as ('-a', '--all')
    opposites: tuple[str, ...]  # the names that switch it off, such as ('--no-sig-proxy',)
    into: str  # the parameter that gets its value
    takes_value: bool
    help: str
    metavar: str | None
    default: Any
    is_repeatable: bool  # its value is the tuple of all that were given
    choices: tuple[str, ...]  # the values that it may have, () for any
    integers: tuple[int, int] | None  # the least and the greatest integer that it may be, None if it is a text
    is_hidden: bool
    refusal: str = ""  # why a flag of docker's is refused, '' if it is not


class Argument(Value):
    """A word, or some words, of a verb that are no options."""

    into: str  # the parameter that gets its value
    metavar: str | None
    count: str  # ONE, OPTIONAL, ANY or SOME; the last two make a tuple
    default: str | None
    choices: tuple[str, ...]


class Verb:
    """A verb: its function, and what it takes.

    is_interspersed: False if nothing after the first argument is an option (docker's rule for run, create and exec)
    """

    def __init__(self, function: Callable[..., Any], name: str, takes: Iterable[Flag | Argument], is_interspersed: bool) -> None:
        self.function = function
        self.name = name
        rows = list(takes)
        self.flags = [row for row in rows if isinstance(row, Flag)]
        self.arguments = [row for row in rows if isinstance(row, Argument)]
        self.is_interspersed = is_interspersed

    @property
    def help(self) -> str:
        return self.function.__doc__ or ""


class Group:
    """A group of verbs, whose modules are imported when they are called.

    verbs: {verb: 'MODULE:NAME' of mydocker.cli}
    hidden: the verbs that --help does not list
    flags: the options before the verb
    absent: {verb that docker has and mydocker does not: why}
    """

    is_interspersed = False

    def __init__(
        self,
        name: str,
        help: str,
        verbs: dict[str, str],
        hidden: tuple[str, ...] = (),
        flags: tuple[Flag, ...] = (),
        absent: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.help = help
        self.verbs = verbs
        self.hidden = hidden
        self.flags = list(flags)
        self.absent = absent or {}

    def member(self, name: str) -> Verb | Group | None:
        """Return a verb or group by its name, or None if there is none of that name."""
        if name not in self.verbs:
            return None
        module, attribute = self.verbs[name].split(":")
        module = f"mydocker.cli.{module}"
        __import__(module)
        found: Verb | Group = getattr(sys.modules[module], attribute)
        return found


def verb(*takes: Flag | Argument, name: str = "", is_interspersed: bool = True) -> Callable[[Callable[..., Any]], Verb]:
    """Make a verb of a function. name: the function's, unless another is given."""
    return lambda function: Verb(function, name or function.__name__, takes, is_interspersed)


def switch(*names: str, help: str, default: bool = False, is_hidden: bool = False) -> Flag:
    """Return a flag that takes no value.

    names: its names, the last one with its opposite if it has one ('--sig-proxy/--no-sig-proxy'); then the parameter, if that is named
           differently
    """
    words, into = _named(names)
    opposites = tuple(word.partition("/")[2] for word in words if "/" in word)
    return Flag(
        names=tuple(word.partition("/")[0] for word in words),
        opposites=opposites,
        into=into,
        takes_value=False,
        help=help,
        metavar=None,
        default=default,
        is_repeatable=False,
        choices=(),
        integers=None,
        is_hidden=is_hidden,
    )


def option(
    *names: str,
    help: str,
    metavar: str | None = None,
    default: Any = None,
    many: bool = False,
    choices: tuple[str, ...] = (),
    integers: tuple[int, int] | None = None,
    is_hidden: bool = False,
) -> Flag:
    """Return a flag that takes a value.

    names: its names, then the parameter, if that is named differently
    many: whether it may be repeated
    """
    words, into = _named(names)
    return Flag(
        names=words,
        opposites=(),
        into=into,
        takes_value=True,
        help=help,
        metavar=metavar,
        default=() if many else default,
        is_repeatable=many,
        choices=choices,
        integers=integers,
        is_hidden=is_hidden,
    )


def meaningless(*names: str, why: str, values: tuple[str, ...] = (), metavar: str = "") -> Flag:
    """Return a flag of docker's that is accepted and means nothing here. The verb does not get it: its parameter begins with _.

    values: those that it may have, if it takes one of some
    metavar: the word for its value, if it takes any
    """
    into = "_" + _named(names)[1]
    told = f"Accepted for docker's sake: {why}."
    if values or metavar:
        return option(*names, into, help=told, choices=values, metavar=metavar or None)
    return switch(*names, into, help=told)


def refused(*names: str, why: str, takes_value: bool = True) -> Flag:
    """Return a flag of docker's that is known here and refused. docs/differences.md says so too."""
    into = "_" + _named(names)[1]
    row = option(*names, into, help=why, is_hidden=True) if takes_value else switch(*names, into, help=why, is_hidden=True)
    row.refusal = why
    return row


def check_refused(flags: Iterable[Flag], values: dict[str, Any]) -> None:
    """Raise BadInput if a flag was given that is refused. values: by the parameters' names"""
    for flag in flags:
        if flag.refusal and values.get(flag.into):
            raise BadInput(f"{flag.names[-1]} is not supported: {flag.refusal}")


def argument(
    into: str, metavar: str | None = None, count: str = ONE, default: str | None = None, choices: tuple[str, ...] = ()
) -> Argument:
    """Return an argument. A verb's arguments take the words in their order."""
    return Argument(into=into, metavar=metavar, count=count, default=default, choices=choices)


def _named(names: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Return a flag's names, and its parameter: the one that is given last, or else what the first long name says."""
    words = tuple(name for name in names if name.startswith("-"))
    if len(words) < len(names):
        return words, names[-1]
    long = next(word for word in words if word.startswith("--"))
    return words, long.partition("/")[0][2:].replace("-", "_")
