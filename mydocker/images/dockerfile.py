"""The parser of Dockerfiles. Source: the Dockerfile reference (format, parser directives, here-documents).

There is a library, dockerfile-parse. But it knows no here-documents, and its errors have no line numbers. The grammar fits on a page.
"""

from __future__ import annotations

from mydocker import leanjson
from mydocker.errors import BadInput
from mydocker.images import change
from mydocker.images.words import expand, split, with_backslashes
from mydocker.value import Value

_DIRECTIVES = {"check", "escape", "syntax"}
# What the word that ends a here-document does not have: `$((1 <<n))` and `<<<` are none.
_NO_ENDING = frozenset("<()$")
_FLAG_NAME = frozenset("abcdefghijklmnopqrstuvwxyz-")
# The flags of each instruction: with a text, true or false, or given as often as one likes.
_TEXT, _TRUTH, _MANY = "text", "truth", "many"
_FLAGS = {
    "FROM": {"platform": _TEXT},
    "RUN": {"mount": _MANY, "network": _TEXT, "security": _TEXT},
    "COPY": {"from": _TEXT, "chown": _TEXT, "chmod": _TEXT, "link": _TRUTH, "parents": _TRUTH, "exclude": _MANY},
    "ADD": {"chown": _TEXT, "chmod": _TEXT, "link": _TRUTH, "checksum": _TEXT, "keep-git-dir": _TRUTH, "exclude": _MANY},
}
_TRUE, _FALSE = ("", "true", "1"), ("false", "0")
_WITH_HEREDOCS = {"RUN", "COPY", "ADD"}
# What these say is a shell's, or that of a Dockerfile with another escape character (ONBUILD).
_AS_WRITTEN = {"CMD", "ENTRYPOINT", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "RUN", "SHELL"}
NAMES = change.NAMES | {"ADD", "ARG", "COPY", "FROM", "MAINTAINER", "RUN"}


class Heredoc(Value):
    """A here-document."""

    name: str  # the line that ends it
    word: str  # what announces it, such as <<-"EOF"
    content: str
    expand: bool  # whether variables in it are replaced: they are if the word has no quotes


class Instruction:
    """One instruction.

    name: in upper case.
    flags: such as {'from': 'build'}. One that is true or false has 'true' or is not there.
    lists: those that may be given several times, such as {'mount': ['type=tmpfs,target=/x']}.
    text: what follows the flags. Its escape character is the backslash, whatever the file's is.
    line: the number of the line where it begins, from 1.
    source: all of it as the user wrote it, on one line.
    """

    __slots__ = ("flags", "heredocs", "line", "lists", "name", "source", "text")

    def __init__(self, name: str, flags: Flags, text: str, heredocs: list[Heredoc], line: int) -> None:
        self.name = name
        self.flags = flags.single
        self.lists = flags.lists
        self.text = text
        self.heredocs = heredocs
        self.line = line
        self.source = " ".join([name, *flags.written, text])

    def translate(self, escape: str) -> None:
        """Write the text and its here-documents with backslashes, which the file writes with another escape character."""
        if self.name in _AS_WRITTEN:
            return
        words = change.json_list(self.text)
        if words is None:
            self.text = with_backslashes(self.text, escape)
        else:
            self.text = leanjson.dumps([with_backslashes(word, escape) for word in words])
        for heredoc in self.heredocs:
            heredoc.content = with_backslashes(heredoc.content, escape, quotes="") if heredoc.expand else heredoc.content


class Flags:
    """The flags of an instruction. written: the words that they were written as."""

    __slots__ = ("lists", "single", "written")

    def __init__(self) -> None:
        self.single: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.written: list[str] = []

    def add(self, instruction: str, written: str, word: str, where: str) -> None:
        """Take one flag. word: what was written, without its quotes. Raises BadInput."""
        known = _FLAGS[instruction]
        name, _, value = word.removeprefix("--").partition("=")
        if not name or name.startswith("-") or set(name) - _FLAG_NAME:
            raise BadInput(f"{where}: invalid flag {word!r}: expected --NAME=VALUE")
        if name not in known:
            listed = ", ".join(f"--{other}" for other in sorted(known))
            raise BadInput(f"{where}: {instruction} has no flag --{name}: expected one of {listed}")
        if name in self.single:
            raise BadInput(f"{where}: --{name} is given twice")
        if known[name] == _TRUTH and value.lower() not in _TRUE + _FALSE:
            raise BadInput(f"{where}: --{name} is true or false, not {value!r}")
        if known[name] != _TRUTH and not value:
            raise BadInput(f"{where}: --{name} needs a value")
        self.written.append(written)
        if known[name] == _MANY:
            self.lists.setdefault(name, []).append(value)
        elif known[name] == _TEXT or value.lower() in _TRUE:
            self.single[name] = value if known[name] == _TEXT else "true"


def parse(text: str, name: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile. name: what errors call the file. Raises BadInput with the number of the line."""
    lines = text.removeprefix("\ufeff").split("\n")
    escape, position = _directives(lines, name)
    found: list[Instruction] = []
    while position < len(lines):
        start = position
        logical, position = _logical_line(lines, position, escape)
        if logical:
            instruction, position = _instruction(logical, lines, start, position, name)
            if escape != "\\":
                instruction.translate(escape)
            found.append(instruction)
    if not found:
        raise BadInput(f"{name} has no instruction in it")
    return found


def one(text: str, line: int, name: str) -> Instruction:
    """Return the instruction that an ONBUILD kept as text. line, name: where errors say that it stands."""
    logical, *lines = text.strip().split("\n")
    return _instruction(logical, lines, line - 1, 0, name)[0]


def _directives(lines: list[str], name: str) -> tuple[str, int]:
    """Return the escape character, and the position of the first line after the parser directives."""
    escape = "\\"
    seen: set[str] = set()
    for number, line in enumerate(lines):
        word, value = _directive(line)
        if word not in _DIRECTIVES or not value:
            return escape, number
        if word in seen:
            raise BadInput(f"{name}:{number + 1}: only one {word} directive can be used")
        seen.add(word)
        if word == "escape":
            escape = value
            if escape not in ("\\", "`"):
                raise BadInput(f"{name}:{number + 1}: invalid escape {escape!r}: expected \\ or `")
    return escape, len(lines)


def _directive(line: str) -> tuple[str, str]:
    """Return the name and the value of a line such as `# escape=\\`, ('', '') for one that is no comment."""
    word, _, value = line[1:].partition("=")
    return (word.strip().lower(), value.strip()) if line.startswith("#") else ("", "")


def _logical_line(lines: list[str], position: int, escape: str) -> tuple[str, int]:
    """Return a line joined with the lines that continue it, and the position after them. A doubled escape character continues nothing.

    Comments and empty lines between them are left out.
    """
    parts: list[str] = []
    while position < len(lines):
        line = lines[position]
        position += 1
        if line.lstrip().startswith("#") or (parts and not line.strip()):
            if not parts:
                return "", position
            continue
        stripped = line.rstrip() if parts else line.strip()
        if not stripped.endswith(escape) or stripped.endswith(escape * 2):
            parts.append(stripped)
            break
        parts.append(stripped[:-1])
    return "".join(parts).strip(), position


def _instruction(logical: str, lines: list[str], start: int, position: int, name: str) -> tuple[Instruction, int]:
    """Return the instruction of a logical line, and the position after its here-documents."""
    word, rest = [*logical.split(None, 1), ""][:2]
    upper, where = word.upper(), f"{name}:{start + 1}"
    if upper not in NAMES:
        raise BadInput(f"{where}: unknown instruction {word!r}")
    flags, text = _flags(upper, rest.strip(), where)
    found: list[Heredoc] = []
    if upper in _WITH_HEREDOCS and change.json_list(text) is None:
        found, position = _heredocs(text, lines, position, where)
    elif upper == "ONBUILD" and text.split(" ")[0].upper() in _WITH_HEREDOCS:
        # The trigger keeps the text of its here-documents.
        kept, position = _heredocs(text, lines, position, where)
        text += "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in kept)
    if not text:
        raise BadInput(f"{where}: {upper} requires at least one argument")
    return Instruction(upper, flags, text, found, start + 1), position


def _flags(instruction: str, text: str, where: str) -> tuple[Flags, str]:
    """Return the flags at the beginning of a text, and the rest of it."""
    flags = Flags()
    while instruction in _FLAGS and text.startswith("--"):
        end, word = _flag_word(text)
        flags.add(instruction, text[:end], word, where)
        text = text[end:].lstrip()
    return flags, text


def _flag_word(text: str) -> tuple[int, str]:
    """Return where the first word of a text ends, and that word without its quotes and backslashes."""
    word, position, quote = "", 0, ""
    while position < len(text) and (quote or not text[position].isspace()):
        character = text[position]
        if character == "\\" and position + 1 < len(text):
            word, position = word + text[position + 1], position + 1
        elif character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        else:
            word += character
        position += 1
    return position, word


def _heredocs(text: str, lines: list[str], position: int, where: str) -> tuple[list[Heredoc], int]:
    """Return the here-documents that a text announces, and the position after them."""
    found: list[Heredoc] = []
    for word in _words(text):
        written, dash = _announced(word)
        if written:
            ending = expand(written, {})
            content, position = _heredoc(lines, position, ending, dash, where)
            found.append(Heredoc(name=ending, word=word, content=content, expand=ending == written))
    return found, position


def _words(text: str) -> list[str]:
    """Return the words of a text, none if a quote is open: what that means, the shell says."""
    try:
        return split(text)
    except BadInput:
        return []


def _announced(word: str) -> tuple[str, bool]:
    """Return the ending, as it is written, of the here-document that a word such as 3<<-"EOF" announces, and whether it has the dash.

    The ending is '' if the word announces none.
    """
    number, arrows, ending = word.partition("<<")
    if not arrows or (number and not number.isdecimal()) or _NO_ENDING & set(ending):
        return "", False
    return ending.removeprefix("-"), ending.startswith("-")


def _heredoc(lines: list[str], position: int, ending: str, dash: bool, where: str) -> tuple[str, int]:
    """Return the lines before the ending word, and the position after it. dash: whether leading tabs are removed (<<-)."""
    content: list[str] = []
    for number in range(position, len(lines)):
        line = lines[number].lstrip("\t") if dash else lines[number]
        if line.rstrip("\r") == ending:
            return "".join(f"{text}\n" for text in content), number + 1
        content.append(line)
    raise BadInput(f"{where}: unterminated here-document {ending}")
