"""Reading a Dockerfile and .dockerignore: never through a link that leads out of the context."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker import given
from mydocker.errors import BadInput
from mydocker.images.dockerignore import Ignore, read, read_in


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context's directory, beside a file that only the caller may read."""
    (tmp_path / "secret").write_text("root:hash\n")
    (tmp_path / "context/sub").mkdir(parents=True)
    (tmp_path / "context/sub/Dockerfile").write_text("FROM scratch\n")
    return tmp_path / "context"


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "sub/../../secret", "sub/link"])
def test_a_link_that_leads_out_is_not_followed(context: Path, target: str) -> None:
    (context / "sub/link").symlink_to("../../secret")
    (context / "Dockerfile").symlink_to(target)
    with pytest.raises(BadInput, match=r"^cannot read 'Dockerfile': it leads out of the context$"):
        read_in(str(context), f"{context}/Dockerfile", "Dockerfile")


def test_nor_is_a_directory_that_leads_out(context: Path) -> None:
    (context / "out").symlink_to("..")
    with pytest.raises(BadInput, match="it leads out of the context"):
        read_in(str(context), f"{context}/out/secret", "out/secret")


def test_a_link_inside_and_a_file_that_the_caller_names_elsewhere_are_read(context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").symlink_to("sub/Dockerfile")
    assert read_in(str(context), f"{context}/Dockerfile", "Dockerfile") == "FROM scratch\n"
    assert read_in(str(context), f"{tmp_path}/secret", "secret") == "root:hash\n"


def test_dockerignore_that_leads_out_is_refused(context: Path) -> None:
    (context / ".dockerignore").symlink_to("../secret")
    with pytest.raises(BadInput, match=r"^cannot read '.dockerignore': it leads out of the context$"):
        read(str(context), "")


def test_dockerignore_without_end_is_refused(context: Path) -> None:
    (context / ".dockerignore").write_bytes(b"a\n" * (given.TEXT_MAX // 2 + 1))
    with pytest.raises(BadInput, match=r"^cannot read '.dockerignore': more than 4194304 bytes$"):
        read(str(context), "")


def test_dockerignore_that_is_no_text_is_refused(context: Path) -> None:
    (context / ".dockerignore").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"^'.dockerignore' is no text"):
        read(str(context), "")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**/b", "b", True),
        ("**/b", "a/x/b", True),
        ("a/**", "a/x/y", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b/**/c", "a/b/x/b/y/c", True),
        ("a/**/b*c/**/d", "a/bxc/b/d", True),
        ("a/**/b/c/**/c", "a/b/b/c/x/c", True),
        ("a/**/b/c", "a/b", False),
        ("*a*b", "xaybzb", True),
        ("*aab", "aaab", True),
        ("*ab*ab", "abxab", True),
        ("*ab*ab", "ab", False),
        ("*.py[co]", "x.pyc", True),
        ("[^a]b", "ab", False),
        ("[!a]b", "cb", True),
        ("a**b", "a/x/b", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert Ignore([pattern]).excludes(path) is expected


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("pattern", "path"), [("*a" * 60 + "b", "a" * 250), ("**/a/" * 40 + "b", "a/" * 120 + "c"), ("?*" * 60 + "b", "a" * 250)]
)
def test_many_stars_take_no_longer_than_few(pattern: str, path: str) -> None:
    assert not Ignore([pattern]).excludes(path)


@pytest.mark.parametrize("pattern", ["[z-a]", "[", "[a", "a/[b"])
def test_what_is_no_class_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput, match=r"^invalid pattern"):
        Ignore([pattern])
