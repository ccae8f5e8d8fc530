"""What stats tell of block devices, from files as kernels write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.api.usage import _blocks
from mydocker.cgroups.group import Group
from mydocker.cgroups.layout import Hierarchy


def group(directory: Path, version: int, files: dict[str, str]) -> Group:
    """Return a cgroup that has these files."""
    for name, text in files.items():
        (directory / name).write_text(text)
    return Group(Hierarchy(mount=str(directory), version=version, controllers=("blkio", "io")), "")


@pytest.mark.parametrize("suffix", ["_recursive", ""])
def test_each_operation_of_each_device_is_told_by_itself(tmp_path: Path, suffix: str) -> None:
    sizes = "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n254:1 Read 1\n254:1 Write 2\n254:1 Total 3\nTotal 33\n"
    files = {f"blkio.throttle.io_service_bytes{suffix}": sizes, f"blkio.throttle.io_serviced{suffix}": "8:0 Read 4\nTotal 4\n"}
    found = _blocks(group(tmp_path, 1, files), None)
    expected = [
        (8, 0, "Read", 10),
        (8, 0, "Write", 20),
        (8, 0, "Total", 30),
        (254, 1, "Read", 1),
        (254, 1, "Write", 2),
        (254, 1, "Total", 3),
    ]
    assert [tuple(each.values()) for each in found.pop("io_service_bytes_recursive") or []] == expected
    assert found.pop("io_serviced_recursive") == [{"major": 8, "minor": 0, "op": "Read", "value": 4}]
    assert all(each == [] for each in found.values()) and len(found) == 6


def test_version_2_tells_bytes_alone(tmp_path: Path) -> None:
    text = "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n254:1 rbytes=3 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n"
    found = _blocks(None, group(tmp_path, 2, {"io.stat": text}))
    expected = [(8, 0, "read", 10), (8, 0, "write", 20), (254, 1, "read", 3), (254, 1, "write", 0)]
    assert [tuple(each.values()) for each in found.pop("io_service_bytes_recursive") or []] == expected
    assert set(found.values()) == {None}


def test_without_a_controller_nothing_is_told() -> None:
    assert set(_blocks(None, None).values()) == {None}
