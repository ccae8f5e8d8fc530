"""--format against Go itself.

go_templates.jsonl holds a value, and then for each template what Go 1.19's text/template and fmt write for it; null if they refuse it.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mydocker.cli.template.compile import compile_template
from mydocker.errors import BadInput

VALUE, *CASES = [json.loads(line) for line in Path(__file__).with_name("go_templates.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("text", "expected"), [case for case in CASES if case[1] is not None])
def test_what_go_writes(text: str, expected: str) -> None:
    assert compile_template(text)(VALUE) == expected


@pytest.mark.parametrize("text", [text for text, expected in CASES if expected is None])
def test_what_go_refuses(text: str) -> None:
    with pytest.raises(BadInput, match=r"^invalid --format "):
        compile_template(text)(VALUE)


# What present docker's Go has beyond that one.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range $i := 2}}{{$i}};{{else}}none{{end}}", "0;1;"),
        ("{{range 0}}x{{else}}none{{end}}", "none"),
        ("{{with .State.Error}}a{{else with .Name}}{{.}}{{end}}", "web"),
        ('{{join (split "a,b" ",") "+"}}', "a+b"),
        ("{{len .Labels.nope}}{{index .Labels.nope 0}}{{upper .Labels.nope}}", "0"),
    ],
)
def test_what_is_newer_or_milder(text: str, expected: str) -> None:
    assert compile_template(text)(VALUE) == expected


_WORDS = st.sampled_from(
    [
        ". .Name .Nope .Args .Labels.a $ $x ( ) | , := = \"a\" `b` 'c' 1 -2.5 0x1 true nil",
        '{{ }} {{- -}} /* */ "',
        "if else else,if end end range with define block template break continue",
        "len index slice printf print eq and or not lt call join pad truncate json",
        "%d %[2]*.[1]*f %! %#v %-+08.3x %[x] %q %c %U",
    ]
).flatmap(lambda words: st.sampled_from(words.split()))
_ACTIONS = st.lists(_WORDS, max_size=6).map(lambda words: "{{" + " ".join(words) + "}}")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_ACTIONS, _WORDS, st.text(max_size=3)), max_size=6).map("".join))
def test_any_text_is_a_template_or_is_refused(text: str) -> None:
    try:
        written = compile_template(text)(VALUE)
    except BadInput:
        return
    assert isinstance(written, str)


@pytest.mark.parametrize("text", ["{{" + "(" * 60 + ".Name" + ")" * 60 + "}}", "{{if true}}" * 60 + "{{end}}" * 60])
def test_what_is_too_deep_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="more than 50"):
        compile_template(text)
    with pytest.raises(BadInput, match="calls itself more than 50 times"):
        compile_template('{{define "a"}}{{template "a"}}{{end}}{{template "a"}}')(VALUE)


def test_a_heading_keeps_its_words() -> None:
    heading = compile_template('{{lower .Name}} {{json .Name}} {{truncate .Name 2}} {{printf "%6s" .Name}}', is_heading=True)
    assert heading({"Name": "NAMES"}) == "NAMES NAMES NAMES  NAMES"
