"""A light parser for runc's command lines. A flag has one dash or two, and its value comes after '=' or is the next word.

The import of argparse takes 9 ms and that of click 28 ms, and a whole start may take only 20 ms.
"""

from __future__ import annotations

from mydocker.errors import BadInput


class Flags:
    """The flags that a command understands, by their names without dashes.

    switches: flags without a value, separated by spaces.
    values: flags with one value, separated by spaces. If such a flag is given several times, the last one counts.
    lists: flags that may be given several times, with a value each, separated by spaces.
    short: {one letter: name}, or None.
    """

    __slots__ = ("switches", "values", "lists", "short")

    def __init__(self, switches: str = "", values: str = "", lists: str = "", short: dict[str, str] | None = None) -> None:
        self.switches = frozenset(switches.split())
        self.values = frozenset(values.split())
        self.lists = frozenset(lists.split())
        self.short = short or {}


class Arguments:
    """A parsed command line: the flags by name, and the words that are not flags."""

    __slots__ = ("switches", "values", "lists", "words")

    def __init__(self) -> None:
        self.switches: set[str] = set()
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.words: list[str] = []

    def on(self, name: str) -> bool:
        """Return whether a switch was given."""
        return name in self.switches

    def value(self, name: str, default: str = "") -> str:
        """Return the value of a flag, or the default if the flag was not given."""
        return self.values.get(name, default)

    def number(self, name: str, default: int = 0) -> int:
        """Return the value of a flag as a number. Raises BadInput if it is not a whole number, or is negative."""
        text = self.values.get(name, str(default))
        if not (text.isascii() and text.isdigit()):
            raise BadInput(f"--{name} {text!r}: expected a number")
        return int(text)


def parse(words: list[str], flags: Flags, least: int = 0, most: int | None = None, mixed: bool = True) -> Arguments:
    """Parse the words after a command's name.

    least, most: how many words that are not flags there may be. None for any number.
    mixed: whether flags may also follow the first word that is not a flag.

    Raises BadInput for an unknown flag, a value that is missing or wrong, and a wrong number of other words.
    """
    found = Arguments()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            found.words += rest
            break
        if word == "-" or not word.startswith("-"):
            found.words.append(word)
            if not mixed:
                found.words += rest
                break
        else:
            _take(found, flags, word, rest)
    _check_count(found.words, least, most)
    return found


def _take(found: Arguments, flags: Flags, word: str, rest: list[str]) -> None:
    """Add one flag to `found`, and take its value out of `rest` if it has one there."""
    name, equals, value = word.lstrip("-").partition("=")
    name = flags.short.get(name, name)
    if name in flags.switches:
        _switch(found, name, value if equals else "true")
        return
    if name not in flags.values | flags.lists:
        raise BadInput(f"unknown flag {word!r}")
    if not equals:
        if not rest:
            raise BadInput(f"flag {word!r}: expected a value")
        value = rest.pop(0)
    if name in flags.lists:
        found.lists.setdefault(name, []).append(value)
    else:
        found.values[name] = value


def _switch(found: Arguments, name: str, value: str) -> None:
    if value not in ("true", "false", "1", "0"):
        raise BadInput(f"flag --{name}={value}: expected true or false")
    if value in ("true", "1"):
        found.switches.add(name)
    else:
        found.switches.discard(name)


def _check_count(words: list[str], least: int, most: int | None) -> None:
    if len(words) < least:
        raise BadInput(f"expected {least} argument{'s' if least > 1 else ''}, got {len(words)}")
    if most is not None and len(words) > most:
        raise BadInput(f"unexpected argument {words[most]!r}")
