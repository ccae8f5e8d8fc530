"""What --secret and --ssh give to RUN --mount: files, variables and keys of the caller's.

A secret is read when it is needed, and is written only into memory (private.py).
"""

from __future__ import annotations

import os

from mydocker.errors import BadInput, StepFailed
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# BuildKit's limit.
_LARGEST = 500 * 1024


class Secret(Value):
    """One --secret."""

    id: str
    path: str = ""  # of its file, '' if it is a variable
    value: str = ""  # of its variable

    def read(self) -> bytes:
        """Return what the secret is. Raises StepFailed."""
        if not self.path:
            return os.fsencode(self.value)
        try:
            with open(self.path, "rb") as file:
                data = file.read(_LARGEST + 1)
        except OSError as error:
            raise StepFailed(f"secret {self.id!r}: cannot read {self.path!r}: {error.strerror}") from error
        if len(data) > _LARGEST:
            raise StepFailed(f"secret {self.id!r}: {self.path!r} has more than {_LARGEST} bytes")
        return data


def secrets(texts: Iterable[str], environment: Mapping[str, str]) -> dict[str, Secret]:
    """Return the secrets that --secret gives, by id. Raises BadInput, also for one whose file or variable is not there."""
    found = {}
    for text in texts:
        secret = _secret(text, environment)
        found[secret.id] = secret
    return found


def _secret(text: str, environment: Mapping[str, str]) -> Secret:
    given = _fields("secret", text, ("id", "type", "src", "source", "env"))
    name, path, variable = given.get("id", ""), given.get("src") or given.get("source", ""), given.get("env", "")
    kind = given.get("type") or ("env" if variable or (not path and name in environment) else "file")
    if not name:
        raise BadInput(f"invalid secret {text!r}: expected id=ID[,src=FILE|,env=VARIABLE]")
    if kind not in ("file", "env") or (kind == "file" and variable) or (path and variable):
        raise BadInput(f"invalid secret {text!r}: expected a file (src=FILE) or a variable (env=NAME)")
    if kind == "env":
        variable = variable or path or name
        if variable not in environment:
            raise BadInput(f"invalid secret {text!r}: there is no variable {variable!r}")
        return Secret(id=name, value=environment[variable])
    secret = Secret(id=name, path=os.path.abspath(path or name))
    try:
        secret.read()
    except StepFailed as error:
        raise BadInput(error.message) from error
    return secret


def agents(texts: Iterable[str], environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what --ssh gives: {id: paths of keys, or the path of an agent's socket}. Raises BadInput."""
    found = {}
    for text in texts:
        name, _, rest = text.partition("=")
        paths = [path for path in rest.split(",") if path] or [environment.get("SSH_AUTH_SOCK", "")]
        if not name or not paths[0]:
            raise BadInput(f"invalid ssh {text!r}: expected default|ID[=SOCKET|KEY[,KEY]], or an agent in SSH_AUTH_SOCK")
        for path in paths:
            if not os.path.exists(path):
                raise BadInput(f"invalid ssh {text!r}: no such file or directory: {path!r}")
        found[name] = [os.path.abspath(path) for path in paths]
    return found


def _fields(what: str, text: str, known: tuple[str, ...]) -> dict[str, str]:
    import csv  # imported here, because few builds have secrets

    found = {}
    for word in next(csv.reader([text]), []):
        key, equals, value = word.partition("=")
        if key.strip().lower() not in known or not equals:
            raise BadInput(f"invalid {what} {text!r}: {word!r} is none of {', '.join(f'{name}=' for name in known)}")
        found[key.strip().lower()] = value
    return found
