"""What a new container takes from the host."""

from __future__ import annotations

from pathlib import Path

from mydocker.engine.request.fromhost import thermal_directories


def test_thermal_directories_are_those_that_there_are(tmp_path: Path) -> None:
    for name in ("cpu0/thermal_throttle", "cpu10/thermal_throttle", "cpu2", "cpufreq/thermal"):
        (tmp_path / "devices/system/cpu" / name).mkdir(parents=True)
    assert thermal_directories(str(tmp_path)) == tuple(f"/sys/devices/system/cpu/cpu{n}/thermal_throttle" for n in (0, 10))
    assert thermal_directories(f"{tmp_path}/none") == ()
