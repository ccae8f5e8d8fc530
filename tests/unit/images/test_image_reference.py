"""References: docker's grammar and normalisation, as tables."""

import pytest

from mydocker.errors import BadInput
from mydocker.images.reference import parse, parse_name

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "shown", "canonical"),
    [
        ("busybox", "busybox", "docker.io/library/busybox"),
        ("busybox:1.36", "busybox:1.36", "docker.io/library/busybox:1.36"),
        ("library/busybox", "busybox", "docker.io/library/busybox"),
        ("docker.io/busybox", "busybox", "docker.io/library/busybox"),
        ("index.docker.io/library/busybox:x", "busybox:x", "docker.io/library/busybox:x"),
        ("someone/thing", "someone/thing", "docker.io/someone/thing"),
        ("a/b/c:d", "a/b/c:d", "docker.io/a/b/c:d"),
        ("localhost/thing", "localhost/thing", "localhost/thing"),
        ("localhost:5000/thing:1", "localhost:5000/thing:1", "localhost:5000/thing:1"),
        ("registry.example/a/b", "registry.example/a/b", "registry.example/a/b"),
        ("Registry/thing", "Registry/thing", "Registry/thing"),
        ("[::1]:5000/thing", "[::1]:5000/thing", "[::1]:5000/thing"),
        (f"busybox@sha256:{HEX}", f"busybox@sha256:{HEX}", f"docker.io/library/busybox@sha256:{HEX}"),
        (f"busybox:1@sha256:{HEX}", f"busybox:1@sha256:{HEX}", f"docker.io/library/busybox:1@sha256:{HEX}"),
        ("a.b_c__d-e--f", "a.b_c__d-e--f", "docker.io/library/a.b_c__d-e--f"),
        ("x:" + "t" * 128, "x:" + "t" * 128, "docker.io/library/x:" + "t" * 128),
        ("x:_A.-", "x:_A.-", "docker.io/library/x:_A.-"),
    ],
)
def test_normalised(text: str, shown: str, canonical: str) -> None:
    reference = parse(text)
    assert (str(reference), reference.canonical) == (shown, canonical)
    assert parse(str(reference)).canonical == canonical
    assert parse(canonical).canonical == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "@",
        ":tag",
        "a:",
        "a@",
        "a@sha256:123",
        "a@sha256:" + "G" * 64,
        "a b",
        "a/",
        "/a",
        "a//b",
        "-a",
        "a-",
        "a..b",
        "a___b",
        "a_.b",
        "a:-x",
        "a:t/x:-",
        "x:" + "t" * 129,
        "localhost:port/x",
        "-h.example/x",
        "h..example/x",
        "[zz]/x",
        "ä",
        "a\n",
        "../x",
        "n" * 256,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^invalid reference format: '"):
        parse(text)


def test_upper_case_is_named() -> None:
    with pytest.raises(BadInput, match="repository name 'BusyBox' must be lowercase"):
        parse("BusyBox:1")


def test_an_id_is_no_name() -> None:
    with pytest.raises(BadInput, match="64 hexadecimal digits are an image id"):
        parse(HEX)


def test_name_to_give() -> None:
    assert str(parse_name("x")) == "x:latest"
    with pytest.raises(BadInput, match="digest"):
        parse_name(f"x@sha256:{HEX}")
