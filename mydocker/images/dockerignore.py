"""The patterns of .dockerignore: which files of a build's context are left out.

Source: the Dockerfile reference, ".dockerignore file".
"""

from __future__ import annotations

import errno
import os

from mydocker.errors import BadInput
from mydocker.given import read_all
from mydocker.kernel.files import RESOLVE_BENEATH, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


class Ignore:
    """Patterns in their order. The last one that matches a path, or a directory above it, decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
        for line in lines:
            pattern = line.strip()
            if pattern and not line.startswith("#"):
                negated = pattern.startswith("!")
                cleaned = os.path.normpath("/" + pattern.lstrip("!").strip()).lstrip("/")
                if cleaned:
                    self._rules.append((negated, compiled(cleaned)))

    def excludes(self, path: str) -> bool:
        """Say whether a path is left out. path: relative to the context."""
        parts = path.split("/")
        tops = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        excluded = False
        for negated, pattern in self._rules:
            if excluded == negated and any(pattern.fullmatch(top) for top in tops):
                excluded = not negated
        return excluded

    @property
    def is_empty(self) -> bool:
        """Whether there is no pattern."""
        return not self._rules

    @property
    def has_exceptions(self) -> bool:
        """Whether there are patterns with !, so that a directory that is left out may have files that are not."""
        return any(negated for negated, _ in self._rules)


def read(directory: str, dockerfile: str) -> Ignore:
    """Return the patterns of DOCKERFILE.dockerignore if there is one, or else of the context's .dockerignore.

    directory: the context.
    dockerfile: the path of the Dockerfile, or ''.
    """
    for path in (f"{dockerfile}.dockerignore" if dockerfile else "", f"{directory}/.dockerignore"):
        if path and os.path.lexists(path):
            return Ignore(read_in(directory, path, os.path.basename(path)).removeprefix("\ufeff").splitlines())
    return Ignore([])


def read_in(directory: str, path: str, name: str) -> str:
    """Return the text of a file of a build. Raises BadInput, which calls the file `name`, if it cannot be read.

    A file in the context's directory is not read through a link that leads out of the directory. Otherwise whoever made the context
    could read, in an error or in an image, files that only the caller may read.
    """
    inside = os.path.relpath(path, directory) if directory else ".."
    try:
        if inside.startswith(".."):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        else:
            top = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                descriptor = openat2(inside, os.O_RDONLY, dirfd=top, resolve=RESOLVE_BENEATH)
            finally:
                os.close(top)
        with open(descriptor, "rb") as file:
            return read_all(file).decode()
    except OSError as error:
        reason = "it leads out of the context" if error.errno == errno.EXDEV else error.strerror
        raise BadInput(f"cannot read {name!r}: {reason}") from error
    except BadInput as error:
        raise BadInput(f"cannot read {name!r}: {error.message}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name!r} is no text: {error}") from error


def excluded_paths(directory: str, ignore: Ignore, above: str = "") -> set[str]:
    """Return the paths that are left out of a context, from its root ('/.git').

    If all of a directory is left out, its path stands for all that is below it.

    directory: the context, or a directory in it
    above: the directory's path in the context, if it is not the context itself
    """
    found: set[str] = set()
    if ignore.is_empty:
        return found  # a large context takes long to look through
    _collect(directory, "", f"{above}/" if above else "", ignore, found)
    return found


def _collect(directory: str, path: str, above: str, ignore: Ignore, found: set[str]) -> None:
    with os.scandir(f"{directory}/{path}") as entries:
        for entry in entries:
            inside = f"{path}/{entry.name}".lstrip("/")
            out = ignore.excludes(above + inside)
            is_directory = entry.is_dir(follow_symlinks=False)
            if out and not (is_directory and ignore.has_exceptions and _keeps(directory, inside, above, ignore)):
                found.add(f"/{above}{inside}")
            elif is_directory:
                _collect(directory, inside, above, ignore, found)


def _keeps(directory: str, path: str, above: str, ignore: Ignore) -> bool:
    """Say whether something below a directory is not left out."""
    for top, directories, names in os.walk(f"{directory}/{path}"):
        relative = os.path.relpath(top, directory)
        if any(not ignore.excludes(f"{above}{relative}/{name}") for name in (*directories, *names)):
            return True
    return False


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern as translate() makes it, ready to match."""
    import re  # imported here and below, because it takes a fifth of a build that is all cached

    return re.compile(translate(pattern))


def translate(pattern: str) -> str:
    """Return a Go filepath.Match pattern, with ** for any number of directories, as a regular expression. Raises BadInput.

    Between two ** the first place that fits is as good as any later one, and so is it between two * of a name. The groups are atomic
    therefore: a pattern of many stars takes no longer than one of few.
    """
    runs: list[list[str]] = [[]]
    for name in pattern.split("/"):
        if name == "**":
            runs.append([])
        else:
            runs[-1].append(_name(name, pattern))
    first, *rest = ["/".join(run) for run in runs]
    if not rest:
        return first
    *middle, last = rest
    begin = f"{first}/" if first else ""
    inner = "".join(f"(?>(?:[^/]*/)*?{run}/)" for run in middle if run)
    return begin + inner + (f"(?:[^/]*/)*{last}" if last else ".*")


def _name(text: str, pattern: str) -> str:
    """Return the regular expression of one name of a pattern."""
    import re

    pieces = [""]  # what stands between two stars
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if text.startswith("**", position - 1):
            pieces[-1] += ".*"
            position += 1
        elif character == "*":
            pieces.append("")
        elif character == "?":
            pieces[-1] += "[^/]"
        elif character == "[":
            end = text.find("]", position + 1)
            if end < 0:
                raise BadInput(f"invalid pattern {pattern!r}: a [ without its ]")
            pieces[-1] += _class(text[position:end], pattern)
            position = end + 1
        else:
            escaped = character == "\\" and position < len(text)
            pieces[-1] += re.escape(text[position] if escaped else character)
            position += escaped
    first, *rest = pieces
    return first + "".join(f"(?>[^/]*?{piece})" for piece in rest[:-1]) + "".join(f"[^/]*{piece}" for piece in rest[-1:])


def _class(inside: str, pattern: str) -> str:
    """Return a class of characters. Raises BadInput for a range that goes backwards, and its like."""
    import re

    escaped = inside.replace("\\", "\\\\").replace("[", "\\[")
    expression = f"[{'^' + escaped[1:] if escaped[:1] in ('^', '!') else escaped}]"
    try:
        re.compile(expression)
    except re.error as error:
        raise BadInput(f"invalid pattern {pattern!r}: [{inside}] is no class of characters: {error.msg}") from error
    return expression
