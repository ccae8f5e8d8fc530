"""Words of Dockerfile instructions."""

import pytest

from mydocker.errors import BadInput
from mydocker.images.words import expand, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" a  b\tc ", ["a", "b", "c"]),
        ('a="b c" d', ['a="b c"', "d"]),
        ("a='b \"c' d", ["a='b \"c'", "d"]),
        (r"a=b\ c d", [r"a=b\ c", "d"]),
        (r'"a\"b c" d', [r'"a\"b c"', "d"]),
        (r"'a\' b", [r"'a\'", "b"]),
        ("a\\", ["a\\"]),
        ("${V:?not given} b", ["${V:?not given}", "b"]),
        ("${V a", ["${V", "a"]),
    ],
)
def test_split(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize("text", ["'a", '"a', '"a\\"'])
def test_open_quote(text: str) -> None:
    with pytest.raises(BadInput, match="unterminated quote"):
        split(text)


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("plain", "plain"),
        ("'$A'", "$A"),
        ('"$A"x', "1x"),
        ("$A$B", "1"),
        ("${A}b", "1b"),
        ("$Ab", ""),
        ("${B:-x$A}", "x1"),
        ("${A:-x}", "1"),
        ("${A:+y}", "y"),
        ("${B:+y}", ""),
        ("${B:-${A}}", "1"),
        (r"${B:-\$A:}", "$A:"),
        (r"${B:-\${A}:}", "${A:}"),  # an escaped one opens nothing
        ("${B:-{}", "{"),
        ("${B:-'}'}", "}"),
        ('${B:-"}${A}"}', "}1"),
        (r"\$A", "$A"),
        (r'"\$A\n\""', '$A\\n"'),
        (r"a\ b", "a b"),
        (r"'a\b'", r"a\b"),
        ("a\\", "a\\"),
        ("$", "$"),
        ("$.", "$."),
        ('"it\'s"', "it's"),
        ("${B-x}${A-y}", "x1"),
        ("${E-x}${E:-y}", "y"),
        ("${E+set}${B+set}${E:+set}", "set"),
        ("${A:?no}${E?no}", "1"),
        ("${P#*/} ${P##*/} ${P#x}", "b/c.tar.gz c.tar.gz a/b/c.tar.gz"),
        ("${P%.*} ${P%%.*} ${P%x}", "a/b/c.tar a/b/c a/b/c.tar.gz"),
        ("${P/a/$A} ${P//\\//_} ${P/.*/} ${P//?/x}", "1/b/c.tar.gz a/b/c.tar.gz a/b/c xxxxxxxxxxxx"),
        ("${S//\\*/-}", "a-b"),
    ],
)
def test_expand(word: str, result: str) -> None:
    assert expand(word, {"A": "1", "E": "", "P": "a/b/c.tar.gz", "S": "a*b"}) == result


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("${A", "missing '}'"),
        ("${A:?not given}", "A: not given"),
        ("${A?}", "A: it has no"),
        ("${A:x}", "unsupported variable"),
        ("${}", "unsupported"),
        ("${a b}", "unsup"),
    ],
)
def test_bad_variables(word: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        expand(word, {})
