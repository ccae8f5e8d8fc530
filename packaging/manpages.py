"""Write the manual pages, one for each verb and an overview, from the table of flags that the command line is read with.

    python3 packaging/manpages.py DIRECTORY

Source of the form: man-pages(7), groff_man(7).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from mydocker.cli.main import mydocker
from mydocker.cli.verb import ANY, ONE, SOME, Argument, Flag, Group, Verb
from mydocker.version import VERSION

SEE = "https://docs.docker.com/reference/cli/docker"


def escaped(text: str) -> str:
    """Return a text that troff prints as it is."""
    made = text.replace("\\", "\\e").replace("-", "\\-")
    made = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in made)
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in made.splitlines())


def synopsis(words: list[str], member: Verb | Group) -> str:
    if isinstance(member, Group):
        return f"{' '.join(words)} [OPTION]... VERB"
    return " ".join([*words, *(["[OPTION]..."] if member.flags else []), *map(_placeholder, member.arguments)])


def _placeholder(argument: Argument) -> str:
    name = argument.metavar or "|".join(argument.choices) or argument.into.upper()
    if argument.metavar or argument.count == ONE:
        return name
    return {SOME: f"{name}...", ANY: f"[{name}]..."}.get(argument.count, f"[{name}]")


def value_of(flag: Flag) -> str:
    """Return what stands for a flag's value, '' if it takes none."""
    return (flag.metavar or "|".join(flag.choices) or ("N" if flag.integers else "TEXT")) if flag.takes_value else ""


def flag_lines(flag: Flag) -> list[str]:
    names = ", ".join(f"\\fB{escaped(name)}\\fR" for name in (*flag.names, *flag.opposites))
    value = value_of(flag)
    more = " It may be given again." if flag.is_repeatable else ""
    return [".TP", names + (f" \\fI{escaped(value)}\\fR" if value else ""), escaped(flag.help + more)]


def page(words: list[str], member: Verb | Group) -> str:
    """Return the manual page of a verb or group. words: how it is typed, such as ['mydocker', 'network', 'create']"""
    title = "-".join(words)
    summary, paragraphs, examples = told(member)
    lines = [f'.TH "{title.upper()}" 1 "" "mydocker {VERSION}" "mydocker manual"', ".SH NAME", f"{escaped(title)} \\- {escaped(summary)}"]
    lines += [".SH SYNOPSIS", f"\\fB{escaped(synopsis(words, member))}\\fR"]
    if paragraphs:
        lines += [".SH DESCRIPTION", "\n.PP\n".join(map(escaped, paragraphs))]
    shown = [flag for flag in member.flags if not flag.is_hidden]
    if shown:
        lines += [".SH OPTIONS", *(line for flag in shown for line in flag_lines(flag))]
    if isinstance(member, Group):
        lines += [".SH VERBS", *_verbs(words, member)]
    if examples:
        lines += [".SH EXAMPLES", ".nf", *map(escaped, examples), ".fi"]
    lines += [".SH SEE ALSO", "\\fBmydocker\\fR(1)" if len(words) > 1 else escaped(SEE)]
    return "\n".join(lines) + "\n"


def told(member: Verb | Group) -> tuple[str, list[str], list[str]]:
    """Return (the first sentence, the paragraphs that follow, the lines of examples) of a help text."""
    paragraphs = inspect.cleandoc(member.help).split("\n\n")
    examples = [line.removeprefix("Example:").strip() for each in paragraphs if each.startswith("Example") for line in each.splitlines()]
    told = [" ".join(each.split()) for each in paragraphs if not each.startswith("Example")]
    return told[0].rstrip("."), told[1:], [line for line in examples if line]


def _verbs(words: list[str], group: Group) -> Iterator[str]:
    for name in sorted(set(group.verbs) - set(group.hidden)):
        member = group.member(name)
        assert member
        yield from (".TP", f"\\fB{escaped('-'.join([*words, name]))}\\fR(1)", escaped(told(member)[0] + "."))


def pages(words: list[str], member: Verb | Group) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of a member's page and of those below it."""
    yield f"{'-'.join(words)}.1", page(words, member)
    if isinstance(member, Group):
        for name in sorted(set(member.verbs) - set(member.hidden)):
            inner = member.member(name)
            assert inner
            yield from pages([*words, name], inner)


def main(directory: str) -> None:
    Path(directory).mkdir(parents=True, exist_ok=True)
    for name, text in pages(["mydocker"], mydocker):
        (Path(directory) / name).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
