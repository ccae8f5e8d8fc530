"""Spellings that both readers of a command line know: the seed's one-dash words, --explain alone, --FLAG=true and -f=VALUE as docker's."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cli.verb import Group, Verb

# The seed's one-dash spellings of long options.
SEED = {
    "-cpuset": "--cpuset-cpus",
    "-cpushare": "--cpu-shares",
    "-net": "--network",
    "-name": "--name",
    "-subnet": "--subnet",
    "-driver": "--driver",
}

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")


def normalised(takes: Verb | Group, words: list[str]) -> list[str]:
    """Return a command line's words with the options before the first argument rewritten.

    What follows the first argument belongs to the container and stays as it is, unless options may stand there too.
    """
    takes_value = {name: flag.takes_value for flag in takes.flags for name in (*flag.names, *flag.opposites)}
    opposites = {name: list(flag.opposites[:1]) for flag in takes.flags if not flag.takes_value for name in flag.names}
    result: list[str] = []
    rest = list(words)
    while rest and (takes.is_interspersed or rest[0].startswith("-")) and rest[0] != "--":
        word = _without_equals(_spelled(rest.pop(0)), takes_value)
        result += _switched(word, opposites)
        if rest and _wants_value(word, takes_value):
            result.append(rest.pop(0))
    return result + rest


def _spelled(word: str) -> str:
    name, equals, value = word.partition("=")
    return SEED.get(name, name) + equals + value if word != "--explain" else "--explain=text"


def _without_equals(word: str, takes_value: dict[str, bool]) -> str:
    """Return -eNAME=VALUE for docker's -e=NAME=VALUE, and -ite… for its -ite=…"""
    position = _letter_with_value(word, takes_value)
    if position and word[position + 1 : position + 2] == "=" and len(word) > position + 2:
        return word[: position + 1] + word[position + 2 :]
    return word


def _switched(word: str, opposites: dict[str, list[str]]) -> list[str]:
    """Return the words for docker's --FLAG=true (the flag) and --FLAG=false (its opposite, or nothing)."""
    name, _, value = word.partition("=")
    if name not in opposites or value.lower() not in _TRUE + _FALSE:
        return [word]
    return [name] if value.lower() in _TRUE else opposites[name]


def _wants_value(word: str, takes_value: dict[str, bool]) -> bool:
    """Say whether the next word is the value of this one."""
    if not word.startswith("-") or word.startswith("--"):
        return "=" not in word and takes_value.get(word, False)
    return len(word) - 1 == _letter_with_value(word, takes_value) > 0


def _letter_with_value(word: str, takes_value: dict[str, bool]) -> int:
    """Return where in a cluster such as -itv the first letter is that takes a value: the rest of the word, or else the next word. Or 0."""
    if word.startswith("-") and not word.startswith("--"):
        for position, letter in enumerate(word[1:], 1):
            if takes_value.get("-" + letter, False):
                return position
    return 0
