"""--format: what docker's users write."""

import pytest

from mydocker.cli.template.compile import compile_template
from mydocker.errors import BadInput

VALUE = {
    "Name": "web",
    "Id": "abc",
    "State": {"Pid": 7, "Running": True, "Error": ""},
    "Args": ["a", "b c"],
    "Labels": {"x.y": "1", "a": "2"},
    "Mounts": [{"Source": "/s", "RW": True}, {"Source": "/t", "RW": False}],
    "Nothing": None,
    "Empty": [],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{.Name}}", "web"),
        ("{{ .State.Pid }}/{{.State.Running}}", "7/true"),
        ("{{json .Args}}", '["a","b c"]'),
        ("{{json .}}", None),
        ("{{.Args}} {{.Labels}}", "[a b c] map[a:2 x.y:1]"),
        ("{{.Nothing}}", "<no value>"),
        ('{{join .Args "+"}}', "a+b c"),
        ("{{upper .Name}}{{.Name | upper | lower}}", "WEBweb"),
        ("{{len .Mounts}}{{len .Nothing}}", "20"),
        ('{{index .Labels "x.y"}}|{{index .Labels "no"}}', "1|"),
        ("{{.Labels.a}}", "2"),
        ("{{(index .Mounts 1).Source}}", "/t"),
        ("{{range .Mounts}}{{.Source}};{{end}}", "/s;/t;"),
        ("{{range .Empty}}x{{else}}none{{end}}", "none"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}} {{$.Name}};{{end}}", "a=2 web;x.y=1 web;"),
        ("{{range $i, $m := .Mounts}}{{$i}}{{$m.Source}}{{end}}", "0/s1/t"),
        ("{{range $m := .Mounts}}{{$m.Source}}{{end}}", "/s/t"),
        ("{{range .Mounts}}{{if .RW}}rw{{else}}ro{{end}} {{end}}", "rw ro "),
        ("{{if .State.Error}}bad{{else if .State.Running}}up{{else}}down{{end}}", "up"),
        ('{{if eq .Name "db" "web"}}yes{{end}}{{if not .Empty}}!{{end}}', "yes!"),
        ("{{with .State}}{{.Pid}}{{end}}", "7"),
        ("{{println .Name .Id}}", "web abc\n"),
        ("a {{- .Name -}} b", "awebb"),
        ("{{/* a note */}}x", "x"),
    ],
)
def test_templates(text: str, expected: str | None) -> None:
    found = compile_template(text)(VALUE)
    assert found == expected if expected is not None else found.startswith('{"Name":"web"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{.Name", "not closed"),
        ("{{if .Name}}x", "not closed by {{end}}"),
        ("{{end}}", "without a block"),
        ("{{}}", "a value is missing"),
        ("{{nosuch .Name}}", "unknown function 'nosuch'"),
        ("{{.Name | nosuch}}", "unknown function 'nosuch'"),
        ("{{.Nosuch}}", "no field 'Nosuch'"),
        ("{{.Name.More}}", "'web' has no field 'More'"),
        ("{{(.Name}}", "not closed"),
        ("{{.Name !}}", "unexpected '!'"),
        ("{{len}}", "argument"),
    ],
)
def test_what_is_no_template_is_told(text: str, words: str) -> None:
    with pytest.raises(BadInput) as failure:
        compile_template(text)(VALUE)
    assert words in failure.value.message
    assert repr(text) in failure.value.message
