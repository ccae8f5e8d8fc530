"""docker's json-file lines: what is written, byte for byte, however the output arrives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mydocker.engine.record.log import Log
from mydocker.engine.record.moments import timestamp

LONGEST = 16384


def written(path: Path) -> list[tuple[str, bytes]]:
    """Return (stream, bytes) of each line."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(list(entry) == ["log", "stream", "time"] for entry in entries)
    return [(entry["stream"], entry["log"].encode(errors="surrogateescape")) for entry in entries]


def logged(path: Path, *pieces: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    log = Log(str(path))
    for stream, data in pieces:
        log.write(stream, data)
    log.close()
    return written(path)


def test_the_whole_line(tmp_path: Path) -> None:
    log = Log(f"{tmp_path}/log.json")
    log.write("stdout", b'tab\t quote" \xc3\xbc \xff\n')
    line = (tmp_path / "log.json").read_text()
    assert re.fullmatch(
        r'\{"log": "tab\\t quote\\" \\u00fc \\udcff\\n", "stream": "stdout", "time": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"\}\n', line
    )
    assert (tmp_path / "log.json").stat().st_mode & 0o777 == 0o640
    log.close()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([("stdout", b"one\ntwo\n")], [("stdout", b"one\n"), ("stdout", b"two\n")]),
        ([("stdout", b"on"), ("stdout", b"e\ntw"), ("stdout", b"o")], [("stdout", b"one\n"), ("stdout", b"two")]),
        (
            [("stdout", b"half "), ("stderr", b"error\n"), ("stdout", b"line\n")],
            [("stderr", b"error\n"), ("stdout", b"half line\n")],
        ),
        ([("stdout", b"\n\n")], [("stdout", b"\n"), ("stdout", b"\n")]),
        ([("stdout", b"")], []),
        ([("stderr", bytes(range(256)).replace(b"\n", b"") + b"\n")], [("stderr", bytes(range(256)).replace(b"\n", b"") + b"\n")]),
        ([("stdout", b"\xc3"), ("stdout", b"\xbc\n")], [("stdout", b"\xc3\xbc\n")]),
    ],
)
def test_entries(tmp_path: Path, pieces: list[tuple[str, bytes]], expected: list[tuple[str, bytes]]) -> None:
    assert logged(tmp_path / "log.json", *pieces) == expected


@pytest.mark.parametrize("length", [0, 1, LONGEST - 1, LONGEST, LONGEST + 1, 3 * LONGEST, 3 * LONGEST + 5])
@pytest.mark.parametrize("step", [1 << 20, 4096, 1000])
def test_a_long_line_is_cut_in_the_same_places_however_it_arrives(tmp_path: Path, length: int, step: int) -> None:
    line = (b"0123456789abcdef\xc3\xbc" * length)[:length] + b"\n"
    found = logged(tmp_path / "log.json", *(("stdout", line[start : start + step]) for start in range(0, len(line), step)))
    cut = [line[:-1][start : start + LONGEST] for start in range(0, length - LONGEST + 1, LONGEST)]
    rest = line[len(b"".join(cut)) :]
    assert [entry for _, entry in found] == [*cut, rest]


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    logged(tmp_path / "log.json", ("stdout", b"first\n"))
    assert logged(tmp_path / "log.json", ("stdout", b"second\n")) == [("stdout", b"first\n"), ("stdout", b"second\n")]


@pytest.mark.parametrize(
    ("nanoseconds", "text"), [(0, "1970-01-01T00:00:00.000000000Z"), (1_700_000_000_000_000_042, "2023-11-14T22:13:20.000000042Z")]
)
def test_timestamp(nanoseconds: int, text: str) -> None:
    assert timestamp(nanoseconds) == text
