"""The lean reader of a command line. It takes every line that is right, and declines all others without having done anything.

What is wrong with a line that it declines, and what --help prints, is for click to say, which takes 40 ms to import.
"""

from __future__ import annotations

from mydocker.cli.spelling import normalised
from mydocker.cli.verb import ANY, ONE, SOME, Group, Verb
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.cli.verb import Argument, Flag

    Values = dict[str, Any]  # a function's parameters by name


class Line(Value):
    """A command line that was read."""

    names: list[str]  # the groups and the verb
    verb: Verb
    outer: Values  # the options before the verb
    values: Values  # the verb's


class Declined(Exception):
    """This line is not for the lean reader."""


def read(group: Group, words: list[str]) -> Line | None:
    """Return what a command line says, or None if click has to read it."""
    try:
        return _read(group, words)
    except Declined:
        return None


def _read(group: Group, words: list[str]) -> Line:
    outer: Values = {}
    names = [group.name]
    member: Verb | Group | None = group
    while isinstance(member, Group):
        given, words = _split(member, words)
        outer |= _flags(member.flags, given)
        if not words or outer.get("version"):
            raise Declined
        names.append(words[0])
        member, words = member.member(words[0]), words[1:]
    if member is None:
        raise Declined
    return Line(names=names, verb=member, outer=outer, values=values(member, words))


def values(verb: Verb, words: list[str]) -> Values:
    """Return the values of a verb's parameters. Raises Declined for words that click has to read."""
    given, words = _split(verb, words)
    return _flags(verb.flags, given) | _arguments(verb.arguments, words)


def _split(takes: Verb | Group, words: list[str]) -> tuple[Values, list[str]]:
    """Return the options that a line begins with, or has anywhere: {parameter: what was given, in order}; and the other words."""
    known = {name: flag for flag in takes.flags for name in (*flag.names, *flag.opposites)}
    given: Values = {}
    others: list[str] = []
    rest = iter(normalised(takes, words))
    for word in rest:
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            others.append(word)
            if not takes.is_interspersed:
                break
        elif word.startswith("--"):
            _long(word, known, given, rest)
        else:
            _cluster(word, known, given, rest)
    return given, [*others, *rest]


def _long(word: str, known: dict[str, Flag], given: Values, rest: Any) -> None:
    name, equals, value = word.partition("=")
    flag = _flag(known, name)
    if flag.takes_value:
        _add(given, flag, value if equals else _next(rest))
    elif equals:
        raise Declined
    else:
        _add(given, flag, name not in flag.opposites)


def _cluster(word: str, known: dict[str, Flag], given: Values, rest: Any) -> None:
    """Read a word such as -itv, whose last letter may take the rest of the word or the next one."""
    for position, letter in enumerate(word[1:], 2):
        flag = _flag(known, "-" + letter)
        if flag.takes_value:
            return _add(given, flag, word[position:] or _next(rest))
        _add(given, flag, True)


def _flag(known: dict[str, Flag], name: str) -> Flag:
    if name not in known:
        raise Declined
    return known[name]


def _next(rest: Any) -> str:
    for word in rest:
        return str(word)
    raise Declined


def _add(given: Values, flag: Flag, value: str | bool) -> None:
    given.setdefault(flag.into, []).append(value)


def _flags(flags: list[Flag], given: Values) -> Values:
    """Return the value of each flag."""
    return {flag.into: _value(flag, given[flag.into]) if flag.into in given else flag.default for flag in flags}


def _value(flag: Flag, found: list[Any]) -> Any:
    if flag.is_repeatable:
        return tuple(found)
    value = found[-1]
    if flag.choices and value not in flag.choices:
        raise Declined
    return value if flag.integers is None else _integer(value, *flag.integers)


def _integer(text: str, least: int, most: int) -> int:
    """Return a number that is written as numbers usually are. click knows more ways."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18 or not least <= int(text) <= most:
        raise Declined
    return int(text)


def _arguments(arguments: list[Argument], words: list[str]) -> Values:
    """Share the words out. Whatever needs a word and gets none, or is no choice, declines the line, and so do words that are left."""
    shared: Values = {}
    for argument in arguments:
        if argument.count in (ANY, SOME):
            shared[argument.into], words = tuple(words), []
        else:
            shared[argument.into], words = words[0] if words else argument.default, words[1:]
        if argument.count in (ONE, SOME) and not shared[argument.into] and shared[argument.into] != "":
            raise Declined
        if argument.choices and shared[argument.into] not in argument.choices:
            raise Declined
    if words:
        raise Declined
    return shared
