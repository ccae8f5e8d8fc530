"""A container's log: whole lines whatever the pieces it comes in, rotation, reading from either end and on."""

import errno
import json
import os
import resource
from pathlib import Path

import pytest

from mydocker.engine.record.log import Log, files
from mydocker.engine.record.moments import duration, moment
from mydocker.engine.record.reader import Entry, LogReader
from mydocker.errors import BadInput


def texts(path: Path) -> list[str]:
    return [json.loads(line)["log"] for line in path.read_text().splitlines()]


def test_lines_are_whole_whatever_the_pieces(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    for piece in (b"one\ntw", b"o\n", b"", b"\nlast"):
        log.write("stdout", piece)
    log.write("stderr", b"apart\n")
    assert texts(tmp_path / "log") == ["one\n", "two\n", "\n", "apart\n"]
    log.close()
    assert texts(tmp_path / "log") == ["one\n", "two\n", "\n", "apart\n", "last"]


def test_very_long_lines_are_cut_as_dockers_are(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    log.write("stdout", b"x" * 40000 + b"\n")
    log.close()
    assert [len(text) for text in texts(tmp_path / "log")] == [16384, 16384, 7233]


def test_bytes_that_are_no_text_come_back_as_they_were(tmp_path: Path) -> None:
    data = bytes(range(256)) + b"\n"
    log = Log(str(tmp_path / "log"))
    log.write("stdout", data)
    log.close()
    reader = LogReader(str(tmp_path / "log"))
    assert b"".join(entry.text for entry in map(Entry, reader.lines())) == data
    reader.close()


def fill(path: Path, count: int, **rotation: int) -> None:
    log = Log(str(path), rotation.get("max_size", 0), rotation.get("max_files", 1))
    for number in range(count):
        log.write("stdout", b"%d\n" % number)
    log.close()


def read(reader: LogReader) -> list[int]:
    return [int(entry.text) for entry in map(Entry, reader.lines())]


def test_rotation_keeps_so_many_files_of_such_a_size(tmp_path: Path) -> None:
    fill(tmp_path / "log", 100, max_size=1000, max_files=3)
    kept = files(str(tmp_path / "log"))
    assert [path.rpartition("/")[2] for path in kept] == ["log.2", "log.1", "log"]
    assert all(len((tmp_path / name).read_bytes()) <= 1000 for name in ("log", "log.1", "log.2"))
    reader = LogReader(str(tmp_path / "log"))
    numbers = read(reader)
    assert numbers == list(range(numbers[0], 100))
    assert len(numbers) > 20
    reader.close()


def test_one_file_is_begun_again(tmp_path: Path) -> None:
    fill(tmp_path / "log", 100, max_size=1000, max_files=1)
    assert files(str(tmp_path / "log")) == [str(tmp_path / "log")]
    assert texts(tmp_path / "log")[-1] == "99\n"


@pytest.mark.parametrize("count", [0, 1, 3, 50, 99, 100, 1000])
@pytest.mark.parametrize("rotation", [{}, {"max_size": 2000, "max_files": 50}])
def test_the_last_entries(tmp_path: Path, count: int, rotation: dict[str, int]) -> None:
    fill(tmp_path / "log", 100, **rotation)
    reader = LogReader(str(tmp_path / "log"))
    reader.skip_to_last(count)
    assert read(reader) == list(range(max(0, 100 - count), 100))
    reader.close()


def test_a_reader_follows_through_rotations(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), max_size=500, max_files=50)
    reader = LogReader(str(tmp_path / "log"))
    seen = []
    for number in range(100):
        log.write("stdout", b"%d\n" % number)
        if number % 7 == 0:
            seen += read(reader)
    seen += read(reader)
    assert seen == list(range(100))
    log.close()
    reader.close()


def test_a_full_disk_costs_entries_and_is_told(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    log.write("stdout", b"first\n")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel refuses as it does on a full disk, and leaves a part of what was to be written.
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(log.path).st_size + 10, limit[1]))
    try:
        log.write("stdout", b"lost\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    log.write("stdout", b"kept\n")
    log.close()
    assert texts(tmp_path / "log") == ["first\n", "mydocker: 1 log entries were lost, the disk was full\n", "kept\n"]


def test_a_disk_so_full_that_half_an_entry_cannot_be_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(str(tmp_path / "log"))
    log.write("stdout", b"first\n")
    kernels = os.write, os.ftruncate

    def full(descriptor: int, what: object) -> int:
        if isinstance(what, bytes) and what.startswith(b"{"):
            return kernels[0](descriptor, what[:9])
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "ftruncate", full)
    log.write("stdout", b"lost\n")
    log.write("stdout", b"lost too\n")
    assert log.problem == "log entries were lost: Disk quota exceeded"
    monkeypatch.setattr(os, "write", kernels[0])
    monkeypatch.setattr(os, "ftruncate", kernels[1])
    log.write("stdout", b"kept\n")
    log.close()
    assert texts(tmp_path / "log") == ["first\n", "mydocker: 2 log entries were lost, the disk was full\n", "kept\n"]


def test_a_log_that_cannot_be_rotated_grows(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), max_size=100, max_files=2)
    (tmp_path / "log.1").mkdir()
    for number in range(5):
        log.write("stdout", b"%d\n" % number)
    assert log.problem == "the log was not rotated: Is a directory"
    (tmp_path / "log.1").rmdir()
    log.write("stdout", b"5\n")
    log.close()
    assert texts(tmp_path / "log.1") == [f"{number}\n" for number in range(5)]
    assert texts(tmp_path / "log") == ["5\n"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10s", 10 * 10**9), ("1h30m", 5400 * 10**9), ("1.5ms", 1500000), ("10", None), ("ten", None), ("", None), ("1h2", None)],
)
def test_durations(text: str, expected: int | None) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10s", "1970-01-01T00:00:10.000000000Z"),
        ("1136073600", "2006-01-01T00:00:00.000000000Z"),
        ("1136073600.5", "2006-01-01T00:00:00.500000000Z"),
        ("2006-01-01T01:00:00+01:00", "2006-01-01T00:00:00.000000000Z"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert moment(text, now=20 * 10**9) == expected


def test_no_moment() -> None:
    with pytest.raises(BadInput, match="invalid time 'soon'"):
        moment("soon")


def test_what_a_power_cut_lost_is_no_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"log": "1\\n"}\n' + bytes(300) + b'{"log": "2\\n"}\n' + bytes(20))
    reader = LogReader(str(tmp_path / "log"))
    lines = list(reader.lines())
    reader.close()
    assert lines == [b'{"log": "1\\n"}', b'{"log": "2\\n"}']
