"""Dockerfiles' texts, .dockerignore's patterns, stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.engine.build import stages
from mydocker.errors import BadInput, NotFound
from mydocker.images import change
from mydocker.images.dockerfile import parse
from mydocker.images.dockerignore import Ignore, excluded_paths, read
from mydocker.images.words import expand_text


def shown(text: str) -> list[tuple[object, ...]]:
    return [(i.line, i.name, i.flags, i.text) for i in parse(text, "Dockerfile")]


def test_instructions_with_lines_and_flags() -> None:
    begin = "# a comment\n\nfrom --platform=linux/amd64 busybox as base\n"
    text = begin + "  RUN echo a; \\\n  # inside\n\n    echo b\ncopy --link --from=base /a /b\n"
    assert shown(text) == [
        (3, "FROM", {"platform": "linux/amd64"}, "busybox as base"),
        (4, "RUN", {}, "echo a;     echo b"),
        (8, "COPY", {"link": "true", "from": "base"}, "/a /b"),
    ]


def test_another_escape_and_dos_line_ends() -> None:
    assert shown("# escape=`\r\nFROM x\r\nRUN dir `\r\n  C:\\\r\n") == [(2, "FROM", {}, "x"), (3, "RUN", {}, "dir   C:\\")]


def test_another_escape_in_words() -> None:
    begin = "# escape=`\nFROM x\n"
    written = r"""ENV A=c:\x B=a`$b`"c` d C="x`ny`"z`$q`` \w" D='`a\b' E=`"""
    _, environment = parse(begin + written + "x", "Dockerfile")
    found = change.instruction("ENV", environment.text, {}, {})
    assert found == {"Env": ["A=c:\\x", 'B=a$b"c d', 'C=x`ny"z$q` \\w', "D=`a\\b", "E=x"]}
    assert environment.source == written + "x"
    assert shown(begin + "RUN echo a\\b`c\nONBUILD ENV a=\\b")[1:] == [(3, "RUN", {}, "echo a\\b`c"), (4, "ONBUILD", {}, "ENV a=\\b")]
    *_, volume, copy = parse(begin + 'VOLUME ["/v\\\\w", "$A"]\nCOPY <<E /f\na\\b `$A "`\nE', "Dockerfile")
    assert change.instruction("VOLUME", volume.text, {}, {"A": "/a"}) == {"Volumes": {"/v\\w": {}, "/a": {}}}
    assert expand_text(copy.heredocs[0].content, {"A": "a"}) == 'a\\b $A "`\n'


def test_a_directive_after_a_comment_is_a_comment() -> None:
    assert shown("# hello\n# escape=`\nFROM x\nRUN a \\\n b") == [(3, "FROM", {}, "x"), (4, "RUN", {}, "a  b")]


def test_a_directive_after_an_unknown_one_is_a_comment() -> None:
    assert shown("# x=y\n# escape=`\nFROM x\nRUN a \\\n b") == [(3, "FROM", {}, "x"), (4, "RUN", {}, "a  b")]
    assert shown("# syntax=a/b:1\n# escape=`\nFROM x\nRUN a `\n b") == [(3, "FROM", {}, "x"), (4, "RUN", {}, "a  b")]


def test_a_doubled_escape_continues_nothing() -> None:
    assert shown("FROM x\nRUN a \\\\\nENV b=c\\\\\\\nENV d=e") == [
        (1, "FROM", {}, "x"),
        (2, "RUN", {}, "a \\\\"),
        (3, "ENV", {}, "b=c\\\\\\"),
        (4, "ENV", {}, "d=e"),
    ]
    assert shown("# escape=`\nFROM x\nRUN a ``\nRUN b `\n c")[1:] == [(3, "RUN", {}, "a ``"), (4, "RUN", {}, "b  c")]


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("RUN <<EOF\na\n# b\n\\\nEOF\n", [("EOF", "a\n# b\n\\\n", True)]),
        ("RUN cat <<'A' <<-\"B\"\none\nA\n\ttwo\n\tB\n", [("A", "one\n", False), ("B", "two\n", False)]),
        ("COPY <<one <<two /d/\n1\none\n2\ntwo\n", [("one", "1\n", True), ("two", "2\n", True)]),
        ("RUN echo $((1 <<2)) <<< x\n", []),
        ('RUN ["cat", "<<EOF"]\n', []),
        ("RUN echo $((1<<n)) $((1 <<n))\n", []),
        ("RUN echo \"a <<EOF b\" '<<EOF'\n", []),
        ("RUN echo it's <<EOF\n", []),
        ("RUN cat <<END-1\nx\nEND-1\n", [("END-1", "x\n", True)]),
        ("RUN [ -e /x ] || cat <<1\nx\n1\n", [("1", "x\n", True)]),
        (
            "COPY <<\"the end\" <<\\E <<F'F' <<_.- /d/\n1\nthe end\n2\nE\n3\nFF\n_.-\n",
            [("the end", "1\n", False), ("E", "2\n", False), ("FF", "3\n", False), ("_.-", "", True)],
        ),
        ("COPY <<E /f\r\na\r\nE\r\n", [("E", "a\r\n", True)]),
        ("RUN cat \\\n# <<no\n\n  <<E \\\n && true\na\nE\n", [("E", "a\n", True)]),
        ("run\tcat <<E\na\nE\n", [("E", "a\n", True)]),
    ],
)
def test_here_documents(text: str, documents: list[tuple[str, str, bool]]) -> None:
    _, instruction, last = parse(f"FROM x\n{text}CMD y", "Dockerfile")
    assert [(d.name, d.content, d.expand) for d in instruction.heredocs] == documents
    assert last.name == "CMD"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Dockerfile has no instruction in it"),
        ("FROM x\nRUM y", "Dockerfile:2: unknown instruction 'RUM'"),
        ("FROM x\n\nRUN", "Dockerfile:3: RUN requires at least one argument"),
        ("FROM x\nCOPY --From=y a b", "Dockerfile:2: invalid flag '--From=y'"),
        ("FROM x\nRUN <<E\nF", "Dockerfile:2: unterminated here-document E"),
        ("# escape=`\n# Escape=`\nFROM y", "Dockerfile:2: only one escape directive can be used"),
        ("# escape=x\nFROM y", "Dockerfile:1: invalid escape 'x'"),
    ],
)
def test_errors_name_the_line(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, "Dockerfile")
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a $B ${C:-d}", "a b d"), ("\"$B\" '$B'", "\"b\" 'b'"), ("\\$B \\\\ \\n", "$B \\ \\n"), ("$", "$")],
)
def test_variables_in_a_here_document(text: str, expected: str) -> None:
    assert expand_text(text, {"B": "b"}) == expected


@pytest.mark.parametrize(
    ("patterns", "path", "excluded"),
    [
        ("*.log", "a.log", True),
        ("*.log", "d/a.log", False),
        ("**/*.log", "d/e/a.log", True),
        ("**/*.log", "a.log", True),
        ("d", "d/e/f", True),
        ("/d/", "d", True),
        ("d/*\n!d/keep", "d/keep", False),
        ("d/*\n!d/keep", "d/drop", True),
        ("*\n!a\na", "a", True),
        ("a?c", "abc", True),
        ("a[b-d]e", "ace", True),
        ("a[^b]e", "abe", False),
        ("# x\n\n", "x", False),
        ("./a/../b", "b", True),
        ("a.c", "abc", False),
    ],
)
def test_ignored(patterns: str, path: str, excluded: bool) -> None:
    assert Ignore(patterns.splitlines()).excludes(path) is excluded


def test_what_of_a_context_is_left_out(tmp_path: Path) -> None:
    for name in ("a/one", "a/two", "b/c/deep", "b/c/keep", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".dockerignore").write_text(".git\nb\n!b/c/keep\na/t*\n")
    assert excluded_paths(str(tmp_path), read(str(tmp_path), "")) == {"/.git", "/a/two", "/b/c/deep"}
    (tmp_path / "My.dockerignore").write_text("a\n")
    assert excluded_paths(str(tmp_path), read(str(tmp_path), f"{tmp_path}/My")) == {"/a"}


def divided(text: str, **given: str) -> stages.Stages:
    return stages.divide(parse(text, "Dockerfile"), given, {"TARGETARCH": "amd64"}, "Dockerfile")


STAGES = """ARG TAG=1
ARG TARGETARCH
FROM base:$TAG AS One
FROM one AS two
COPY --from=0 a b
FROM alpine:${TARGETARCH}
FROM other
COPY --from=two a b
"""


def test_stages_and_what_a_target_needs() -> None:
    found = divided(STAGES)
    assert [(s.base, s.name) for s in found.all] == [("base:1", "one"), ("one", "two"), ("alpine:amd64", ""), ("other", "")]
    assert [s.number for s in found.needed(found.target(""))] == [0, 1, 3]
    assert [s.number for s in found.needed(found.target("ONE"))] == [0]
    assert [s.number for s in found.needed(found.target("2"))] == [2]
    assert divided(STAGES, TAG="9").all[0].base == "base:9"
    with pytest.raises(NotFound, match="target stage 'x' could not be found"):
        found.target("x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RUN x\nFROM y", "Dockerfile:1: RUN before the first FROM"),
        ("ARG x", "Dockerfile has no FROM"),
        ("FROM a b", "Dockerfile:1: FROM a b: expected FROM IMAGE"),
        ("FROM $NONE", "the image's name is empty"),
        ("FROM a AS 1", "invalid stage name '1'"),
        ("FROM --from=x a", "FROM has no flag --from"),
    ],
)
def test_bad_stages(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        divided(text)
    assert message in caught.value.message


def test_the_source_is_what_was_written() -> None:
    (instruction,) = parse("copy --from=x  --link a b", "Dockerfile")
    assert instruction.source == "COPY --from=x --link a b"
