from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.kernel import capabilities, process

if TYPE_CHECKING:
    from mydocker.paths import Paths
    from tests.unit.conftest import Recording


@pytest.mark.parametrize(
    ("name", "number"),
    [("CAP_CHOWN", 0), ("CAP_KILL", 5), ("CAP_SYS_ADMIN", 21), ("CAP_AUDIT_WRITE", 29), ("CAP_BPF", 39), ("CAP_CHECKPOINT_RESTORE", 40)],
)
def test_numbers_are_the_kernels(name: str, number: int) -> None:
    assert capabilities.NUMBERS[name] == number


def test_mask_sets_one_bit_each() -> None:
    assert capabilities.mask(["CAP_CHOWN", "CAP_KILL", "CAP_CHECKPOINT_RESTORE"]) == 1 | 1 << 5 | 1 << 40


def test_mask_refuses_unknown_names() -> None:
    with pytest.raises(KeyError):
        capabilities.mask(["CAP_NO_SUCH"])


def test_the_bounding_set_is_what_the_kernel_says() -> None:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd:"))
    assert sum(1 << number for number in process.bounding_set()) == int(line.split()[1], 16)


def test_available_are_the_effective_ones(tmp_path: Path) -> None:
    status = tmp_path / "self/status"
    status.parent.mkdir()
    status.write_text("Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t8000000000000021\n")
    assert capabilities.available(str(tmp_path)) == ["CAP_CHOWN", "CAP_KILL"]


# What container engines give away by default; this many of them lack one on a machine that lacks it itself.
PLAIN = {"mydocker": 14, "podman": 11, "crun": 3}


@pytest.mark.applies.with_args(lambda recording: recording.whole)
def test_available_in_and_outside_of_containers(recording: Recording, recorded: Paths) -> None:
    found = capabilities.available(recorded.proc)
    highest = int(Path(recorded.proc, "sys/kernel/cap_last_cap").read_text())
    assert all(capabilities.NUMBERS[name] <= highest for name in found)
    if recording.container and recording.closed:
        assert len(found) == PLAIN[recording.container]
    else:
        assert "CAP_SYS_ADMIN" in found and len(found) >= highest


@pytest.mark.applies.with_args(lambda recording: recording.whole)
def test_groups_may_be_set(recorded: Paths) -> None:
    assert process.may_set_groups(recorded.proc)
