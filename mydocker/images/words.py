"""The words of a Dockerfile instruction: quotes, backslashes and variables, as docker's builder reads them.

Source: the Dockerfile reference, "Environment replacement" and "Escape".
"""

from __future__ import annotations

from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_QUOTES = "'\""
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
# What may follow a variable's name in braces; of two that begin alike the longer one stands first.
_FORMS = (":-", "-", ":+", "+", ":?", "?", "##", "#", "%%", "%", "//", "/")


def split(text: str) -> list[str]:
    """Return the words of a text with their quotes and backslashes. Raises BadInput if a quote is not closed."""
    words: list[str] = []
    word, position = "", 0
    while position < len(text):
        if text[position].isspace():
            words += [word] if word else []
            word, position = "", position + 1
        else:
            end = _end_of_piece(text, position)
            word, position = word + text[position:end], end
    return words + ([word] if word else [])


def _end_of_piece(text: str, start: int) -> int:
    if text.startswith("${", start) and "}" in text[start:]:
        return _closing_brace(text, start + 1, _QUOTES) + 1
    if text[start] == "\\":
        return min(start + 2, len(text))
    if text[start] in "'\"":
        return _closing_quote(text, start) + 1
    return start + 1


def _closing_quote(text: str, start: int) -> int:
    quote, position = text[start], start + 1
    while position < len(text) and text[position] != quote:
        position += 2 if text[position] == "\\" and quote == '"' else 1
    if position >= len(text):
        raise BadInput(f"unterminated quote in {text!r}")
    return position


def expand(word: str, variables: Mapping[str, str]) -> str:
    """Return a word without its quotes and backslashes and with its variables replaced: $NAME, and ${NAME} in all of its forms."""
    result, position, quote = "", 0, ""
    while position < len(word):
        character = word[position]
        if character == "\\" and quote != "'" and position + 1 < len(word):
            kept = "\\" if quote and word[position + 1] not in '"$\\' else ""
            result, position = result + kept + word[position + 1], position + 2
        elif character in "'\"" and quote in ("", character):
            quote, position = "" if quote else character, position + 1
        elif character == "$" and quote != "'":
            value, position = _variable(word, position + 1, variables)
            result += value
        else:
            result, position = result + character, position + 1
    return result


def expand_text(text: str, variables: Mapping[str, str]) -> str:
    """Return a here-document with its variables replaced.

    Quotes are ordinary text there. A backslash means something only before a $ or another backslash, which it keeps as it is.
    """
    result, position = "", 0
    while position < len(text):
        if text[position] == "\\" and text[position + 1 : position + 2] in ("$", "\\"):
            result, position = result + text[position + 1], position + 2
        elif text[position] == "$":
            value, position = _variable(text, position + 1, variables, quotes="")
            result += value
        else:
            result, position = result + text[position], position + 1
    return result


def with_backslashes(text: str, escape: str, quotes: str = _QUOTES) -> str:
    """Return a text whose escape character is another one as it is written with backslashes. A backslash in it is an ordinary character.

    quotes: what quotes. In single quotes nothing is escaped, in others only what could mean something there
    """
    result, position, quote = "", 0, ""
    while position < len(text):
        character, following = text[position], text[position + 1 : position + 2]
        if character == escape and _escapes(following, escape, quote, quotes):
            result, position = result + (escape if following == escape else "\\" + following), position + 2
            continue
        if character in quotes and quote in ("", character):
            quote = "" if quote else character
        result, position = result + ("\\\\" if character == "\\" and quote != "'" else character), position + 1
    return result


def _escapes(following: str, escape: str, quote: str, quotes: str) -> bool:
    """Say whether an escape character before this one means something. quote: the open one, '' for none"""
    if quote == "'" or not following:
        return False
    return following in f'"${escape}' if quote else bool(quotes) or following in f"${escape}"


def _variable(word: str, start: int, variables: Mapping[str, str], quotes: str = _QUOTES) -> tuple[str, int]:
    """Return the value of the variable whose name begins at `start`, and the position after it. quotes: what quotes there"""
    if word[start : start + 1] == "{":
        end = _closing_brace(word, start, quotes)
        return _braced(word[start + 1 : end], variables), end + 1
    end = start
    while end < len(word) and word[end] in _NAME:
        end += 1
    return (variables.get(word[start:end], ""), end) if end > start else ("$", start)


def _closing_brace(word: str, start: int, quotes: str) -> int:
    """Return where the brace that opens at `start` is closed. Between them only ${ opens another, and what is quoted or escaped is text."""
    position, quote = start + 1, ""
    while position < len(word):
        character = word[position]
        if character == "\\" and quote != "'":
            position += 2
        elif word.startswith("${", position) and quote != "'":
            position = _closing_brace(word, position + 1, quotes) + 1
        elif character == "}" and not quote:
            return position
        else:
            if character in quotes and quote in ("", character):
                quote = "" if quote else character
            position += 1
    raise BadInput(f"missing '}}' in {word!r}")


def _braced(inside: str, variables: Mapping[str, str]) -> str:
    """Return what ${INSIDE} stands for. Raises BadInput, also for ${NAME:?MESSAGE} without a value."""
    end = next((position for position, character in enumerate(inside) if character not in _NAME), len(inside))
    name, rest = inside[:end], inside[end:]
    form = next((form for form in _FORMS if rest.startswith(form)), "")
    if not name or (rest and not form):
        raise BadInput(f"unsupported variable '${{{inside}}}': expected ${{NAME}}, or NAME followed by one of {' '.join(_FORMS)}")
    rest, value = rest.removeprefix(form), variables.get(name, "")
    if not form:
        return value
    if form[0] in "#%/":
        return _cut(value, form, rest, variables)
    word = expand(rest, variables)
    given = bool(value) if form[0] == ":" else name in variables
    if form[-1] == "?" and not given:
        raise BadInput(f"{name}: {word or 'it has no value'}", f"give it one: --build-arg {name}=VALUE")
    if form[-1] == "+":
        return word if given else ""
    return value if given else word


def _cut(value: str, form: str, rest: str, variables: Mapping[str, str]) -> str:
    """Return a value without the beginning (#, ##) or the end (%, %%) that fits a pattern, or with what fits it replaced (/, //)."""
    import re  # here and in _glob(), because it takes a fifth of a build that is all cached

    if form[0] == "/":
        pattern, _, new = rest.partition("/")
        fitting = re.compile(_glob(expand_text(pattern, variables), "*"), re.DOTALL)
        replacement = expand(new, variables)
        return fitting.sub(lambda _: replacement, value, 0 if form == "//" else 1) if pattern else value
    fitting = re.compile(_glob(expand_text(rest, variables), "*" if len(form) == 2 else "*?"), re.DOTALL)
    if form[0] == "#":
        match = fitting.match(value)
        return value[match.end() :] if match else value
    starts = range(len(value) + 1) if form == "%%" else range(len(value), -1, -1)
    return next((value[:start] for start in starts if fitting.fullmatch(value, start)), value)


def _glob(pattern: str, star: str) -> str:
    """Return a shell pattern of *, ? and backslashes as a regular expression. star: '*' takes as much as possible, '*?' as little."""
    import re

    found = []
    for piece in re.findall(r"\\.|.", pattern, re.DOTALL):
        found.append({"*": f".{star}", "?": "."}.get(piece) or re.escape(piece[-1]))
    return "".join(found)
