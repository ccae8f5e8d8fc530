"""Archives that want out: refused in one line, and nothing outside of the layer is written, removed or linked."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from mydocker.errors import Damaged, Error
from mydocker.storage.unpack import unpack
from mydocker.storage.whiteouts import AUFS, OVERLAY, PLAIN, Form

Member = tuple[str, bytes, str]


def made(*members: Member) -> io.BytesIO:
    """Return a tar of (name, kind, content or target)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.mode = 0o755
            member.uid, member.gid = os.getuid(), os.getgid()
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content.encode()))
            else:
                member.linkname = content
                archive.addfile(member)
    stream.seek(0)
    return stream


def file(name: str, content: str = "evil") -> Member:
    return name, tarfile.REGTYPE, content


def directory(name: str) -> Member:
    return name, tarfile.DIRTYPE, ""


def symlink(name: str, target: str) -> Member:
    return name, tarfile.SYMTYPE, target


def hard_link(name: str, target: str) -> Member:
    return name, tarfile.LNKTYPE, target


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer's directory among others, with what must not be touched beside it and above it."""
    (tmp_path / "layers/other").mkdir(parents=True)
    (tmp_path / "layers/other/file").write_text("safe")
    (tmp_path / "secret").write_text("safe")
    (tmp_path / "layers/layer").mkdir()
    return tmp_path / "layers/layer"


def around(layer: Path) -> dict[str, tuple[int, str]]:
    """Return (links, content) of what lies outside of the layer."""
    top = layer.parent.parent
    paths = [path for path in top.rglob("*") if path.is_file() and layer not in path.parents]
    return {str(path.relative_to(top)): (path.stat().st_nlink, path.read_text()) for path in paths}


@pytest.mark.parametrize("form", [OVERLAY, AUFS, PLAIN], ids=["overlay", "aufs", "plain"])
@pytest.mark.parametrize(
    "members",
    [
        [file("../evil")],
        [file("a/../../evil")],
        [file("/../evil")],
        [symlink("out", "/tmp"), file("out/evil")],
        [symlink("out", "out"), file("out/evil")],
        [file("f"), file("f/below")],
        [hard_link("link", "../other/file")],
        [hard_link("link", "/etc/hostname")],
        [symlink("out", "../other"), hard_link("link", "out/file")],
        [symlink("out", ".."), hard_link("out/link", "f")],
        [file(".wh.")],
        [file(".wh..")],
        [file(".wh...")],
        [directory("d"), file("d/.wh...")],
        [("odd", b"9", "")],
    ],
    ids=lambda members: " ".join(name for name, _, _ in members),
)
def test_refused(layer: Path, form: Form, members: list[Member]) -> None:
    before = around(layer)
    with pytest.raises(Damaged) as refusal:
        unpack(made(*members), str(layer), form)
    assert "\n" not in refusal.value.message
    assert around(layer) == before


@pytest.mark.parametrize("form", [AUFS, PLAIN], ids=["aufs", "plain"])
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([symlink("link", "/etc"), file("link")], {"link": "evil"}),
        ([directory("d"), file("d/x"), file("d")], {"d": "evil"}),
        ([file("a"), directory("a"), file("a/b")], {"a/b": "evil"}),
        ([file("./a//b/./c")], {"a/b/c": "evil"}),
        ([file("a/../b")], {"b": "evil"}),
        ([file("/var/run/ko")], {"var/run/ko": "evil"}),
        ([directory("tmp"), symlink("out", "/tmp"), file("out/evil")], {"tmp/evil": "evil"}),
        ([symlink("out", "../../"), file("out/evil")], {"evil": "evil"}),
        ([directory("d"), symlink("d/out", "../.."), file("d/out/other/file")], {"other/file": "evil"}),
        ([file("a"), hard_link("b", "/a")], {"a": "evil", "b": "evil"}),
        ([symlink("out", ".."), file("other"), file("f"), file("out/.wh.other/x")], {"other": "evil", "f": "evil", ".wh.other/x": "evil"}),
    ],
    ids=lambda members: " ".join(name for name, *_ in members) if isinstance(members, list) else "",
)
def test_odd_but_harmless(layer: Path, form: Form, members: list[Member], expected: dict[str, str]) -> None:
    before = around(layer)
    unpack(made(*members), str(layer), form)
    assert {str(path.relative_to(layer)): path.read_text() for path in layer.rglob("*") if path.is_file()} == expected
    assert around(layer) == before


def test_a_bomb(layer: Path) -> None:
    with pytest.raises(Error, match="more than 1000 bytes"):
        unpack(made(file("a", "x" * 600), file("b", "x" * 600)), str(layer), PLAIN, max_size=1000)


@pytest.mark.parametrize(
    "data", [b"", b"no tar at all" * 100, made(file("a", "x" * 5000)).getvalue()[:2000]], ids=["empty", "no tar", "cut"]
)
def test_damaged_archives(layer: Path, data: bytes) -> None:
    with pytest.raises(Damaged, match="not a tar archive"):
        unpack(io.BytesIO(data), str(layer), PLAIN)
