"""Contexts of builds, as clients send them."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.engine.build.context import unpack_context
from mydocker.errors import Damaged


def tar(content: bytes) -> bytes:
    """Return a tar without its end: docker's client leaves that out, and the rest of the last block, when it adds a Dockerfile."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()[: 512 + len(content)]


@pytest.mark.parametrize("size", [0, 1, 512, 1000])
@pytest.mark.parametrize("packed", [bytes, gzip.compress, bz2.compress])
def test_the_end_may_be_missing_where_all_has_come(tmp_path: Path, size: int, packed: Callable[[bytes], bytes]) -> None:
    (tmp_path / "body").write_bytes(packed(tar(b"x" * size)))
    unpack_context("the context", str(tmp_path / "body"), str(tmp_path / "context"), is_whole=True)
    assert (tmp_path / "context/Dockerfile").read_bytes() == b"x" * size


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_tar_that_is_cut_in_a_file_is_damaged(tmp_path: Path, is_whole: bool) -> None:
    (tmp_path / "body").write_bytes(gzip.compress(tar(b"x" * 5000)[:2000]))
    with pytest.raises(Damaged, match="unexpected end of data"):
        unpack_context("the context", str(tmp_path / "body"), str(tmp_path / "context"), is_whole)


def test_the_end_is_wanted_where_less_may_have_come(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(tar(b"x" * 1000))
    with pytest.raises(Damaged):
        unpack_context("standard input", str(tmp_path / "body"), str(tmp_path / "context"))
