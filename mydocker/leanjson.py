"""JSON for processes that must start fast.

It uses the C accelerator of the json module without the module, whose imports (re, enum) cost 7 ms. Where the interpreter has no
accelerator, the json module is used. That is only slower.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any] | list[Any] | str | int | float | bool | None


class _Context:
    """The settings that the C scanner reads."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(float)


def _lean() -> tuple[Callable[[str], Any], Callable[[Any], str], Callable[[Any], str], Callable[[Any], str]]:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

    scan = make_scanner(_Context())  # type: ignore[arg-type]
    encode = make_encoder(None, _refuse, encode_basestring_ascii, None, ": ", ", ", False, False, False)
    encode_text = make_encoder(None, _refuse, encode_basestring, None, ":", ",", False, False, False)
    encode_compact = make_encoder(None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)

    def loads(text: str) -> Any:
        text = text.strip(" \t\n\r")
        try:
            value, end = scan(text, 0)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        except (StopIteration, SystemError, ValueError):
            end = -1
        if end == len(text):
            return value
        # This is not JSON. The slow module says where and why; without it the scanner cannot even raise its own error.
        import json

        return json.loads(text)

    def dumps(value: Any) -> str:
        return "".join(encode(value, 0))

    def text(value: Any) -> str:
        return "".join(encode_text(value, 0))

    def compact(value: Any) -> str:
        return "".join(encode_compact(value, 0))

    return loads, dumps, text, compact


def pretty(value: Any, margin: str = "\n") -> str:
    """Return a document for people: a line for each member, four blanks for each level, and no letter escaped. margin: of this level."""
    inner = margin + "    "
    if isinstance(value, dict) and value:
        return f"{{{inner}" + f",{inner}".join(f"{text(key)}: {pretty(each, inner)}" for key, each in value.items()) + f"{margin}}}"
    if isinstance(value, (list, tuple)) and value:
        return f"[{inner}" + f",{inner}".join(pretty(each, inner) for each in value) + f"{margin}]"
    return text(value)


def _refuse(value: object) -> None:
    raise TypeError(f"{type(value).__name__} is not JSON")


try:
    # compact() is dumps() without blanks, text() compact() without escapes for letters that are not ASCII: as docker prints JSON.
    loads, dumps, text, compact = _lean()
except ImportError:  # pragma: no cover - an interpreter without the accelerator
    import json
    from json import dumps, loads  # noqa: F401

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def compact(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))
