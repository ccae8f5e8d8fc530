"""Tars whose headers nobody vouches for: read once from beginning to end, refused in one line, sparse files whole."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from mydocker.errors import Damaged
from mydocker.storage.unpack import unpack
from mydocker.tarreader import members, open_tar


def block(name: str, kind: bytes, content: bytes, size: int | None = None) -> bytes:
    """Return a header, with the content in whole blocks behind it."""
    header = tarfile.TarInfo(name)
    header.type = kind
    header.size = len(content) if size is None else size
    header.uid, header.gid = os.getuid(), os.getgid()
    return header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def record(key: str, value: str) -> bytes:
    """Return a record of an extended header."""
    rest = f" {key}={value}\n".encode()
    length = len(rest) + 1
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def extended(*records: bytes, content: bytes = b"content", size: int | None = None) -> io.BytesIO:
    """Return a tar of one file with an extended header."""
    return io.BytesIO(block("x", tarfile.XHDTYPE, b"".join(records)) + block("file", tarfile.REGTYPE, content, size) + bytes(1024))


@pytest.mark.parametrize(
    "header, problem",
    [
        (b"9" * 500_000, "without a record at byte 0"),
        (b"9" * 500_000 + b" a=b\n", "without a record at byte 0"),
        (b"0 a=b\n", "without a record at byte 0"),
        (b"7 a=b\n", "without a record at byte 0"),
        (record("a", "b") + b"rest", "without a record at byte 6"),
        (b"6 abc\n", "is no KEY=VALUE"),
        (record("size", "abc"), "an extended header with size 'abc'"),
        (record("size", "-1"), "an extended header with size '-1'"),
        (record("uid", "²"), "an extended header with uid '²'"),
        (record("size", "9" * 300_000), "an extended header with size '9999"),
        (record("mtime", "1.x"), "an extended header with mtime '1.x'"),
        (record("GNU.sparse.size", "99999999999999999999"), "an extended header with GNU.sparse.size"),
        (record("GNU.sparse.map", "1"), "not pairs of numbers"),
        (record("GNU.sparse.map", "1," + "9" * 100_000), "not pairs of numbers"),
        (record("GNU.sparse.map", "5,1,0,1"), "whose map goes back"),
        (record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0"), "a sparse file without a map"),
    ],
)
def test_an_extended_header_that_is_none_is_refused(tmp_path: Path, header: bytes, problem: str) -> None:
    with pytest.raises(Damaged) as raised:
        unpack(extended(header), str(tmp_path), None)
    assert problem in raised.value.message
    assert len(raised.value.message) < 200


def test_a_hole_of_any_size_costs_nothing(tmp_path: Path) -> None:
    size = 1 << 40
    stream = extended(record("GNU.sparse.size", str(size)), record("GNU.sparse.map", f"3,4,{size},0"), content=b"four")
    unpack(stream, str(tmp_path), None)
    status = (tmp_path / "file").stat()
    assert status.st_size == size and status.st_blocks < 100
    with (tmp_path / "file").open("rb") as file:
        assert file.read(10) == b"\0\0\0four\0\0\0"


def test_a_map_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    stream = extended(record("GNU.sparse.size", str(1 << 40)), record("GNU.sparse.map", f"0,{1 << 40}"), content=b"four")
    with pytest.raises(Damaged):
        unpack(stream, str(tmp_path), None)


def test_endless_long_names_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO(block("././@LongLink", tarfile.GNUTYPE_LONGNAME, b"a\0") * 3000 + block("file", tarfile.REGTYPE, b"") + bytes(1024))
    with pytest.raises(Damaged, match="too many headers before one member"):
        unpack(stream, str(tmp_path), None)


@pytest.mark.parametrize("form", ["--format=gnu", *(f"--format=pax --sparse-version={version}" for version in ("0.0", "0.1", "1.0"))])
def test_sparse_files_of_gnu_tar_are_whole(tmp_path: Path, form: str) -> None:
    parts = {0: b"begin", 1 << 20: b"middle" * 1000, 3 << 20: b"x"}
    with (tmp_path / "sparse").open("wb") as file:
        for offset, content in parts.items():
            file.seek(offset)
            file.write(content)
        file.truncate(5 << 20)
    (tmp_path / "after").write_text("after")
    archive = subprocess.run(["tar", "-cS", *form.split(), "sparse", "after"], cwd=tmp_path, capture_output=True, check=True).stdout
    assert len(archive) < 1 << 20
    (tmp_path / "new").mkdir()
    unpack(io.BytesIO(archive), f"{tmp_path}/new", None)
    for name in ("sparse", "after"):
        assert (tmp_path / "new" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert (tmp_path / "new/sparse").stat().st_blocks * 512 < 1 << 20


def test_records_are_what_tarfile_reads(tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("ü" * 200)
        member.mtime = 1.5
        member.uid, member.uname = 3_000_000, "ä" * 40
        member.pax_headers = {"SCHILY.xattr.user.a": "b=\nc", "comment": ""}
        archive.addfile(member)
    made.seek(0)
    with tarfile.open(fileobj=io.BytesIO(made.getvalue())) as archive:
        (expected,) = archive.getmembers()
    with open_tar(made) as archive:
        (found,) = members(archive)
        for name in ("name", "size", "mtime", "uid", "uname", "type", "offset_data", "pax_headers"):
            assert getattr(found, name) == getattr(expected, name), name
