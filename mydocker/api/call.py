"""One request, as an endpoint sees it: the words of its path, its query and its body, each checked as it is asked for."""

from __future__ import annotations

import json
import os
from urllib.parse import parse_qs

from mydocker.api.protocol import Connection
from mydocker.errors import BadInput
from mydocker.steps.base import Run
from mydocker.steps.faults import injected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.paths import Paths

NOTHING = object()

_NO = ("", "0", "no", "false", "none")  # docker's rule: all else is yes


class Answer:
    """What an endpoint answers, unless it has sent its answer itself: a status, and a document or nothing."""

    def __init__(self, document: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.document = document  # NOTHING for none; None is JSON's null
        self.status = status
        self.headers = headers

    @property
    def body(self) -> bytes:
        """The document as the bytes of the answer's body."""
        return b"" if self.document is NOTHING else json.dumps(self.document, separators=(",", ":")).encode() + b"\n"


DONE, UNCHANGED, EMPTY = Answer(NOTHING, 204), Answer(NOTHING, 304), Answer(NOTHING)


class Call:
    """A request.

    words: what stands in the path for the words in capitals of its route
    version: the API's version that the client speaks, such as (1, 41)
    """

    def __init__(
        self, paths: Paths, connection: Connection, words: tuple[str, ...], query: str, headers: dict[str, str], version: tuple[int, int]
    ) -> None:
        self.paths = paths
        self.connection = connection
        self.words = words
        self.headers = headers
        self.version = version
        try:
            self.query = parse_qs(query, keep_blank_values=True, errors="surrogateescape", max_num_fields=1000)
        except ValueError as error:
            raise BadInput(f"invalid query: {error}") from error
        if any("\0" in value for values in self.query.values() for value in values):
            raise BadInput("invalid query: expected no NUL")

    @property
    def name(self) -> str:
        """The only word of the path."""
        return self.words[0].removeprefix("/")

    def text(self, key: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return self.query.get(key, [default])[0]

    def texts(self, key: str) -> list[str]:
        """Return a parameter that may be given several times."""
        return self.query.get(key, [])

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a parameter that is yes or no."""
        return self.text(key).strip().lower() not in _NO if key in self.query else default

    def number(self, key: str) -> int | None:
        """Return a parameter that is a whole number, or None if it is not given. Raises BadInput."""
        text = self.text(key)
        if not text:
            return None
        if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 19:
            raise BadInput(f"invalid {key} {text!r}: expected a number")
        return int(text)

    def filters(self) -> tuple[str, ...]:
        """Return the filters as KEY=VALUE texts. They come as {"KEY": {"VALUE": true}} or as {"KEY": ["VALUE"]}. Raises BadInput."""
        text = self.text("filters")
        if not text:
            return ()
        return tuple(f"{key}={value}" for key, values in self._filter_values(text).items() for value in values)

    def _filter_values(self, text: str) -> dict[str, list[str]]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"invalid filter {text!r}: {error}") from error
        wrong = BadInput(f"invalid filter {text!r}: expected an object of lists of texts")
        if not isinstance(found, dict):
            raise wrong
        lists = {key: [name for name, on in v.items() if on] if isinstance(v, dict) else v for key, v in found.items()}
        if not all(isinstance(v, list) and all(isinstance(each, str) for each in v) for v in lists.values()):
            raise wrong
        return lists

    def document(self, is_needed: bool = False) -> dict[str, Any]:
        """Return the body as a JSON object; {} if there is none and none is needed. Raises BadInput."""
        body = self.connection.whole_body().strip()
        if not body and not is_needed:
            return {}
        if not body:
            raise BadInput("invalid JSON: got EOF while reading request body")
        kind = self.headers.get("content-type", "").partition(";")[0].strip()
        if kind not in ("application/json", ""):
            raise BadInput(f"unsupported Content-Type header ({kind}): must be 'application/json'")
        try:
            found = json.loads(body)
            is_usable = not _holds_nul(found)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"unexpected content after JSON: {error}" if "Extra data" in str(error) else f"invalid JSON: {error}") from error
        if not is_usable:
            raise BadInput("invalid JSON: expected no NUL in a text")
        if found is not None and not isinstance(found, dict):
            raise BadInput("invalid JSON: expected an object")
        return found or {}

    @staticmethod
    def run() -> Run:
        """Return the run that executes an endpoint's steps."""
        return Run("api", None, injected(os.environ))

    @property
    def is_upgraded(self) -> bool:
        """Whether the client asks for a raw connection with an Upgrade header."""
        return self.headers.get("upgrade", "").lower() == "tcp"


def _holds_nul(value: Any) -> bool:
    """Say whether a text in a document has a NUL, which no name, path or variable of the kernel's can have."""
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(each) for key, each in value.items())
    return any(map(_holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


def field(document: dict[str, Any], name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    """Return a field of a document, the default if it is null or not there. Raises BadInput if it is of another kind.

    As for docker, which is written in Go, the name's capitals do not count if there is no field with the very name.
    """
    value = document.get(name)
    if value is None:
        value = next((each for key, each in document.items() if key.lower() == name.lower()), None)
    if value is None:
        return default
    is_wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
    if is_wrong:
        words = {str: "a text", bool: "true or false", int: "a number", list: "a list", dict: "an object"}
        names = " or ".join(words[each] for each in (kind if isinstance(kind, tuple) else (kind,)))
        raise BadInput(f"invalid {name} {json.dumps(value)[:100]}: expected {names}")
    return value


def texts(document: dict[str, Any], name: str) -> list[str]:
    """Return a field that is a list of texts, [] if it is null. Raises BadInput."""
    found: list[str] = field(document, name, list, [])
    if not all(isinstance(each, str) for each in found):
        raise BadInput(f"invalid {name} {json.dumps(found)[:100]}: expected a list of texts")
    return found


def mapping(document: dict[str, Any], name: str) -> dict[str, str]:
    """Return a field that is an object of texts, {} if it is null. Raises BadInput."""
    found: dict[str, str] = field(document, name, dict, {})
    if not all(isinstance(each, str) for each in found.values()):
        raise BadInput(f"invalid {name} {json.dumps(found)[:100]}: expected an object of texts")
    return found
