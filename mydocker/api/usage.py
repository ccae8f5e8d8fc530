"""What a container uses, in the shape of docker's stats."""

from __future__ import annotations

import os
import time

from mydocker.cgroups.manager import manager
from mydocker.engine.record import state
from mydocker.engine.record.moments import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.cgroups.group import Group
    from mydocker.cgroups.layout import Layout
    from mydocker.cgroups.stats import Stats
    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

_NEVER = "0001-01-01T00:00:00Z"
# What docker has of block devices, those below a cgroup included. Kernels of today count the first two.
_ALL = "_recursive"
_TIMES = ("io_queue", "io_service_time", "io_wait_time", "io_merged", "io_time", "sectors")
_BLOCKS = [f"{name}{_ALL}" for name in ("io_service_bytes", "io_serviced", *_TIMES)]
# The columns of /proc/PID/net/dev, by docker's names.
_NET = {"rx_bytes": 0, "rx_packets": 1, "rx_errors": 2, "rx_dropped": 3, "tx_bytes": 8, "tx_packets": 9, "tx_errors": 10, "tx_dropped": 11}


class Usage:
    """What one container used at one moment."""

    def __init__(self, paths: Paths, layout: Layout, record: Record) -> None:
        self.record = record
        self.paths = paths
        self.read = timestamp(time.time_ns())
        self.pid = state.running_pid(paths, record["id"])
        known = state.load(paths, record["id"])
        cgroups = manager(layout, known["cgroup"]) if self.pid and known else None
        self.figures: Stats | None = cgroups.stats() if cgroups else None
        memory, processors = (cgroups.group(name) if cgroups else None for name in ("memory", "cpuacct"))
        self.memory = memory.table("memory.stat") if memory else {}
        # Only version 1 counts this. Clients that know nothing of online_cpus count these.
        self.processors = [int(word) for word in processors.read("cpuacct.usage_percpu").split()] if processors else []
        self.blocks = _blocks(cgroups.group("blkio"), cgroups.group("io")) if cgroups else dict.fromkeys(_BLOCKS)
        self.system = _system(paths.proc)
        self.networks = _networks(f"{paths.proc}/{self.pid}/net/dev") if self.pid else {}

    def document(self, before: Usage | None) -> dict[str, Any]:
        """Return docker's document. before: what was used a moment ago, None if nobody looked"""
        shown = {
            "read": self.read if self.figures else _NEVER,
            "preread": before.read if before and before.figures else _NEVER,
            "pids_stats": _known({"current": self._figure("pids", "current"), "limit": self._figure("pids", "limit")}),
            "blkio_stats": self.blocks,
            "num_procs": 0,
            "storage_stats": {},
            "cpu_stats": self._cpu(),
            "precpu_stats": before._cpu() if before else _no_cpu(),
            "memory_stats": self._memory(),
            "name": f"/{self.record['name']}",
            "id": self.record["id"],
        }
        return {**shown, "networks": self.networks} if self.networks else shown

    def _figure(self, kind: str, name: str) -> int | None:
        return self.figures[kind][name] if self.figures else None

    def _cpu(self) -> dict[str, Any]:
        if not self.figures:
            return _no_cpu()
        cpu = self.figures["cpu"]
        usage = {"total_usage": cpu["usage"] or 0, "usage_in_kernelmode": cpu["system"] or 0, "usage_in_usermode": cpu["user"] or 0}
        throttling = {"periods": cpu["periods"], "throttled_periods": cpu["throttled_periods"], "throttled_time": cpu["throttled"]}
        return {
            "cpu_usage": {**usage, "percpu_usage": self.processors} if self.processors else usage,
            "system_cpu_usage": self.system,
            "online_cpus": os.cpu_count() or 1,
            "throttling_data": {key: value or 0 for key, value in throttling.items()},
        }

    def _memory(self) -> dict[str, Any]:
        if not self.figures:
            return {}
        memory = self.figures["memory"]
        limit = memory["limit"] or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        known = _known({"usage": memory["usage"] or 0, "max_usage": memory["peak"]})
        return {**known, "stats": self.memory, "limit": limit}


def _known(figures: dict[str, int | None]) -> dict[str, int]:
    return {key: value for key, value in figures.items() if value is not None}


def _no_cpu() -> dict[str, Any]:
    usage = {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0}
    return {"cpu_usage": usage, "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0}}


def _system(proc: str) -> int:
    """Return the time in ns that all CPUs of the host have spent, working or not (proc(5), /proc/stat)."""
    with open(f"{proc}/stat") as file:
        ticks = sum(map(int, file.readline().split()[1:9]))
    return ticks * 10**9 // os.sysconf("SC_CLK_TCK")


def _blocks(blkio: Group | None, io: Group | None) -> dict[str, list[dict[str, Any]] | None]:
    """Return what was read from each block device and written to it, as docker has it: by version 1 operations, too, by 2 only bytes."""
    if blkio:
        texts = {name: blkio.read(f"blkio.throttle.{name}") or blkio.read(f"blkio.throttle.{name[: -len(_ALL)]}") for name in _BLOCKS[:2]}
        lines = {name: [line.split() for line in text.splitlines()] for name, text in texts.items()}
        # A line of two words is the sum of all devices.
        return {name: [_block(*words) for words in lines.get(name, []) if len(words) == 3] for name in _BLOCKS}
    none = dict.fromkeys(_BLOCKS)
    if not io:
        return none
    devices = [line.split() for line in io.read("io.stat").splitlines()]
    counts = [(device, *word.split("=")) for device, *words in devices for word in words]
    names = {"rbytes": "read", "wbytes": "write"}
    return {**none, _BLOCKS[0]: [_block(device, names[key], count) for device, key, count in counts if key in names]}


def _block(device: str, operation: str, count: str) -> dict[str, Any]:
    major, minor = map(int, device.split(":"))
    return {"major": major, "minor": minor, "op": operation, "value": int(count)}


def _networks(path: str) -> dict[str, dict[str, int]]:
    """Return the counts of each interface of a container, without lo. path: its /proc/PID/net/dev"""
    try:
        with open(path) as file:
            lines = [line.split(":") for line in file if ":" in line]
    except FileNotFoundError:
        return {}
    found = {name.strip(): values.split() for name, values in lines}
    return {name: {key: int(counts[at]) for key, at in _NET.items()} for name, counts in found.items() if name != "lo"}
