"""How a verb of printf shows a value."""

from __future__ import annotations

from math import frexp

from mydocker.cli.template.values import kind, number, shown
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class Directive(Value):
    """What stands between % and the verb."""

    flags: str = ""  # of FLAGS
    is_go: bool = False  # %#v: as in a program
    width: int | None = None
    precision: int | None = None

    def has(self, flag: str) -> bool:
        return flag in self.flags and not (flag == "0" and "-" in self.flags)

    def padded(self, text: str, zeros: bool = True) -> str:
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        if self.has("-"):
            return text + " " * missing
        return ("0" if zeros and self.has("0") else " ") * missing + text


def named(value: Any) -> str:
    return "<nil>" if value is None else f"{kind(value)}={shown(value)}"


def _unfit(value: Any, verb: str, wanted: Directive) -> str:
    """Return what is written for a value that a verb cannot show."""
    return f"%!{verb}({kind(value)}={formatted(value, 'v', wanted)})"


def formatted(value: Any, verb: str, wanted: Directive, is_inner: bool = False) -> str:
    """Return a value as a verb shows it."""
    if value is None:
        return "<nil>" if is_inner else wanted.padded("<nil>") if verb in "vT" else f"%!{verb}(<nil>)"
    if verb == "T":
        return wanted.padded(kind(value)[: wanted.precision])
    if isinstance(value, (list, tuple)):
        return _list(value, verb, wanted)
    if isinstance(value, dict):
        return _map(value, verb, wanted)
    known: dict[type, Callable[[Any, str, Directive], str | None]] = {bool: _bool, int: _int, float: _float}
    text = known.get(type(value), _str)(value if type(value) in known else str(value), verb, wanted)
    return _unfit(value, verb, wanted) if text is None else text


def _list(value: Sequence[Any], verb: str, wanted: Directive) -> str:
    inner = [formatted(each, verb, wanted, is_inner=True) for each in value]
    if verb == "v" and wanted.is_go:
        return f"[]interface {{}}{{{', '.join(_literal(each, wanted) for each in value)}}}"
    return _unfit(value, verb, wanted) if verb == "p" else "[" + " ".join(inner) + "]"


def _map(value: dict[str, Any], verb: str, wanted: Directive) -> str:
    if verb == "v" and wanted.is_go:
        pairs = [f"{_literal(key, wanted)}:{_literal(value[key], wanted)}" for key in sorted(value)]
        return f"map[string]interface {{}}{{{', '.join(pairs)}}}"
    pairs = [f"{formatted(key, verb, wanted)}:{formatted(value[key], verb, wanted, is_inner=True)}" for key in sorted(value)]
    return f"map[{' '.join(pairs)}]"


def _literal(value: Any, wanted: Directive) -> str:
    return "interface {}(nil)" if value is None else formatted(value, "v", wanted)


def _bool(value: bool, verb: str, wanted: Directive) -> str | None:
    return wanted.padded(shown(value)) if verb in "tv" else None


_BASES = {"v": (10, ""), "d": (10, ""), "b": (2, "0b"), "o": (8, "0"), "O": (8, "0"), "x": (16, "0x"), "X": (16, "0X")}


def _int(value: int, verb: str, wanted: Directive) -> str | None:
    if verb in _BASES:
        return _integer(value, verb, wanted)
    if verb not in "cqU":
        return None
    letter = chr(value) if 0 <= value < 0x110000 and not 0xD800 <= value < 0xE000 else "\ufffd"
    if verb == "c":
        return wanted.padded(letter)
    if verb == "q":
        return wanted.padded(_quoted(letter, "'", wanted.has("+")))
    text = f"U+{value & (1 << 64) - 1:0{max(4, wanted.precision or 0)}X}"
    if wanted.has("#") and value >= 0 and letter.isprintable():
        text += f" '{letter}'"
    return wanted.padded(text, zeros=False)


def _sign(is_negative: bool, wanted: Directive) -> str:
    return "-" if is_negative else "+" if wanted.has("+") else " " if wanted.has(" ") else ""


def _integer(value: int, verb: str, wanted: Directive) -> str:
    base, prefix = _BASES[verb]
    digits = format(abs(value), {10: "d", 2: "b", 8: "o", 16: "X" if verb == "X" else "x"}[base])
    sign = _sign(value < 0, wanted)
    if wanted.precision is not None:
        if wanted.precision == 0 and value == 0:
            return " " * (wanted.width or 0)
        digits = digits.rjust(wanted.precision, "0")
    elif wanted.has("0") and wanted.width:
        digits = digits.rjust(wanted.width - len(sign), "0")
    if wanted.has("#") and not (base == 8 and digits.startswith("0")):
        digits = prefix + digits
    return wanted.padded(sign + ("0o" if verb == "O" else "") + digits, zeros=False)


def _float(value: float, verb: str, wanted: Directive) -> str | None:
    if verb not in "veEfFgGbxX":
        return None
    sign = _sign(str(value).startswith("-"), wanted)
    if value - value != 0:
        text = "NaN" if value != value else "Inf"
        return wanted.padded((sign or ("+" if text == "Inf" else "")) + text, zeros=False)
    text = _digits(abs(value), verb, wanted)
    if wanted.has("0") and wanted.width:
        return sign + text.rjust(wanted.width - len(sign), "0")
    return wanted.padded(sign + text, zeros=False)


def _digits(value: float, verb: str, wanted: Directive) -> str:
    if verb == "b":
        mantissa, exponent = frexp(value)
        return f"{int(mantissa * 2**53)}p{exponent - 53:+d}"
    if verb in "xX":
        text = _hexadecimal(value, wanted.precision, wanted.has("#"))
        return text.upper() if verb == "X" else text
    if verb in "vgG" and wanted.precision is None and not wanted.has("#"):
        return number(value).upper() if verb == "G" else number(value)
    form = "g" if verb == "v" else verb.lower() if verb == "F" else verb
    precision = 6 if wanted.precision is None else wanted.precision
    return format(value, f"{'#' if wanted.has('#') else ''}.{precision}{form}")


def _hexadecimal(value: float, precision: int | None, keeps_point: bool) -> str:
    """Return 0x1.8p+01 for 3.0."""
    mantissa, _, exponent = value.hex().removeprefix("0x").partition("p")
    digits = mantissa.replace(".", "")
    power = int(exponent)
    if precision is None:
        digits = digits.rstrip("0") or "0"
    elif precision < len(digits) - 1:
        shift = 4 * (len(digits) - 1 - precision)
        whole, rest, half = int(digits, 16) >> shift, int(digits, 16) & ((1 << shift) - 1), 1 << (shift - 1)
        whole += rest > half or (rest == half and whole & 1 == 1)
        if whole >> (4 * precision) == 2:
            whole, power = whole >> 1, power + 1
        digits = format(whole, "x")
    else:
        digits = digits.ljust(precision + 1, "0")
    point = "." if digits[1:] or keeps_point else ""
    return f"0x{digits[0]}{point}{digits[1:]}p{'-' if power < 0 else '+'}{abs(power):02}"


def _str(value: str, verb: str, wanted: Directive) -> str | None:
    if verb == "s" or (verb == "v" and not wanted.is_go):
        return wanted.padded(value[: wanted.precision])
    if verb in "qv":
        cut = value[: wanted.precision]
        is_raw = wanted.has("#") and verb == "q" and "`" not in cut and all(each.isprintable() or each == "\t" for each in cut)
        return wanted.padded(f"`{cut}`" if is_raw else _quoted(cut, '"', wanted.has("+") and verb == "q"))
    return wanted.padded(_bytes(value, verb, wanted)) if verb in "xX" else None


def _bytes(value: str, verb: str, wanted: Directive) -> str:
    """Return a text's bytes as hexadecimal digits."""
    pairs = [format(byte, "02" + verb) for byte in value.encode()[: wanted.precision]]
    prefix = "0" + verb if wanted.has("#") and pairs else ""
    return prefix + (f" {prefix}" if wanted.has(" ") else "").join(pairs)


_SHORT = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}


def _quoted(text: str, quote: str, is_ascii: bool) -> str:
    """Return a text as a Go literal."""

    def shown_char(each: str) -> str:
        if each in _SHORT or each == quote:
            return _SHORT.get(each, "\\" + quote)
        if each.isprintable() and (each.isascii() or not is_ascii):
            return each
        code = ord(each)
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    return quote + "".join(map(shown_char, text)) + quote
