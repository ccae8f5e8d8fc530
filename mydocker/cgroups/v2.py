"""The controllers of cgroup version 2, and how values of version 1 become theirs.

The OCI runtime specification has the values of version 1. They are translated as in runc 1.3.2 (opencontainers/cgroups 0.0.3) and
crun 1.23, so that a container has the same weight under any of them. Source: Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import os

from mydocker.cgroups.controller import HINT, Controller, Cpuset, HugetlbV2, Pids, Rdma, within
from mydocker.cgroups.devices import compile_rules, parse_rules
from mydocker.cgroups.v1 import check_usage, device_weights, read_bandwidth, read_memory, read_shares, read_weight, refuse_kernel, throttles
from mydocker.errors import BadInput, Unsupported
from mydocker.steps.cgroups import AttachDevices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import BlockIo, CpuLimits, MemoryLimits, Resources
    from mydocker.steps.base import Step


def weight_of_shares(shares: int) -> int:
    """Return the cpu.weight (1 to 10000) for cpu shares (2 to 262144). The curve goes through both ends, and gives 100 for 1024."""
    if shares <= 2:
        return 1
    from math import ceil, log2

    power = log2(shares)
    return min(10000, ceil(10 ** ((power * power + 125 * power) / 612 - 7 / 34)))


def io_weight(weight: int) -> int:
    """Return the io.weight (1 to 10000) for a block io weight (10 to 1000), on a straight line."""
    return 1 + (weight - 10) * 9999 // 990


class Cpu(Controller):
    """Limits on processor time: cpu.weight, cpu.max, cpu.max.burst, cpu.idle."""

    name = "cpu"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        cpu = resources.get("cpu", {})
        refuse(cpu.get("realtimeRuntime"), "cpu realtime runtime", "cpu", "cpu.rt_runtime_us")
        refuse(cpu.get("realtimePeriod"), "cpu realtime period", "cpu", "cpu.rt_period_us")
        return [*self._weight(cpu), *self._bandwidth(cpu)]

    def _weight(self, cpu: CpuLimits) -> list[Step]:
        shares, idle = read_shares(cpu), within(cpu.get("idle"), "cpu idle", 0, 1)
        steps = [] if idle is None else [self.write("cpu.idle", idle, "cpu idle")]
        return steps + ([self.write("cpu.weight", weight_of_shares(shares), "cpu shares")] if shares and not idle else [])

    def _bandwidth(self, cpu: CpuLimits) -> list[Step]:
        quota, period, burst = read_bandwidth(cpu)
        steps = [self.write("cpu.max", self._maximum(quota, period), "cpu quota")] if quota or period else []
        if burst is not None:
            lower = burst < int(self.present("cpu.max.burst", "0"))
            steps.insert(0 if lower else len(steps), self.write("cpu.max.burst", burst, "cpu burst"))
        return steps

    def _maximum(self, quota: int, period: int) -> str:
        present_quota, present_period = self.present("cpu.max", "max 100000").split()
        wanted = {0: present_quota, -1: "max"}.get(quota, str(quota))
        return f"{wanted} {period or present_period}"


def refuse(value: object, limit: str, controller: str, file: str) -> None:
    """Raise Unsupported for a limit that only version 1 has, if it is given.

    limit: what the message calls it.
    controller, file: the version 2 controller, and the file that it does not have.
    """
    if value:
        raise Unsupported(f"{limit}: cgroup version 2 controller {controller} has no {file}")


class Memory(Controller):
    """Limits on memory and swap: memory.max, memory.low, memory.swap.max."""

    name = "memory"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        memory = resources.get("memory", {})
        self._refuse(memory)
        check_usage(memory, self.present("memory.current", "0"))
        reservation = within(memory.get("reservation"), "memory reservation", -1)
        steps = [self.write("memory.low", maximum(reservation), "memory reservation")] if reservation else []
        return self._limits(*read_memory(memory)) + steps

    def _refuse(self, memory: MemoryLimits) -> None:
        refuse_kernel(memory)
        if (within(memory.get("kernelTCP"), "kernel TCP memory limit", -1) or -1) > 0:
            raise Unsupported("kernel TCP memory limit: cgroup version 2 controller memory has no memory.kmem.tcp.limit_in_bytes")
        if within(memory.get("swappiness"), "memory swappiness", 0, 100) is not None:
            raise Unsupported("memory swappiness: cgroup version 2 controller memory has no memory.swappiness")
        if memory.get("disableOOMKiller"):
            raise Unsupported("disable OOM killer: cgroup version 2 controller memory has no memory.oom_control")

    def _limits(self, limit: int, swap: int) -> list[Step]:
        steps = [self.write("memory.max", maximum(limit), "memory limit")] if limit else []
        if limit == -1 and not swap and self.offers("memory.swap.max"):
            swap = -1
        if swap:
            steps.append(self.write("memory.swap.max", self._swap(limit, swap), "memory swap limit"))
        return steps

    def _swap(self, limit: int, swap: int) -> str:
        """Return what memory.swap.max is set to. Version 1's value, `swap`, counts memory and swap together. Raises BadInput."""
        if swap == -1:
            return "max"
        limit = limit or int(self.present("memory.max", "max").replace("max", "0"))
        if not limit:
            raise BadInput(f"memory swap limit {swap}: expected a memory limit too")
        if swap < limit:
            raise BadInput(f"memory swap limit {swap}: expected at least the memory limit {limit}")
        return str(swap - limit)


def maximum(value: int) -> str:
    """Return a limit as version 2 writes it. -1 is 'max'."""
    return "max" if value == -1 else str(value)


class Io(Controller):
    """Weights of block devices (io.bfq.weight or io.weight), and throttling (io.max)."""

    name = "io"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        block = resources.get("blockIO", {})
        refuse(block.get("leafWeight"), "block io leaf weight", "io", "leaf weight")
        return [*self._weights(block), *self._throttles(block)]

    def _weights(self, block: BlockIo) -> list[Step]:
        weight, pairs = read_weight(block.get("weight")), [line.split() for line in device_weights(block)]
        if self._has_bfq():
            file, values = "io.bfq.weight", [str(weight)] * bool(weight) + [" ".join(pair) for pair in pairs]
        else:
            file, values = "io.weight", [f"default {io_weight(weight)}"] * bool(weight)
            values += [f"{where} {io_weight(int(own))}" for where, own in pairs]
        return [self.write(file, value, "block io weight") for value in values]

    def _has_bfq(self) -> bool:
        """Say whether weights are BFQ's.

        They are if BFQ's module is loaded. Where no cgroup shows that yet, io.cost tells: a kernel without it has only BFQ's weights.
        """
        if self.group is None:
            return False
        told = self.group.witness("io.bfq.weight", "io")
        return not os.path.exists(f"{self.group.hierarchy.mount}/io.cost.qos") if told is None else told

    def _throttles(self, block: BlockIo) -> list[Step]:
        return [
            self.write("io.max", f"{where} {THROTTLES[name]}={rate or 'max'}", f"block io {THROTTLES[name]} limit")
            for name, where, rate in throttles(block)
        ]


# The name in io.max, by version 1's name.
THROTTLES = {"read_bps": "rbps", "write_bps": "wbps", "read_iops": "riops", "write_iops": "wiops"}


class Devices(Controller):
    """Access to devices. Version 2 has no files for it, so the cgroup gets an eBPF program of its own."""

    name = "devices"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        rules = parse_rules(resources.get("devices", []))
        if not rules:
            return []
        if self.group is None:
            raise Unsupported(f"device rule: cgroup controller devices {self.absence}", HINT)
        return [AttachDevices(self.group.directory, compile_rules(rules), "; ".join(rule.describe() for rule in rules))]


class NoNetwork(Controller):
    """Refuses limits of net_cls and net_prio, which version 2 does not have. There nftables matches on the cgroup itself."""

    name = "net_cls"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        network = resources.get("network", {})
        refuse(network.get("classID"), "network class", "net_cls", "net_cls.classid")
        refuse(network.get("priorities"), "network priority", "net_prio", "net_prio.ifpriomap")
        return []


class Unified(Controller):
    """The specification's `unified`: values for files of version 2, by name."""

    name = "cgroup"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        return [self._file(file, value) for file, value in resources.get("unified", {}).items()]

    def _file(self, file: str, value: str) -> Step:
        controller, dot, _ = file.partition(".")
        if "/" in file or not dot or controller == "cgroup":
            raise BadInput(f"unified '{file}': expected a controller's file such as memory.high")
        if self.group is None or controller not in self.group.hierarchy.controllers:
            raise Unsupported(f"unified {file}: cgroup version 2 has no controller {controller} on this host")
        if not self.group.offers(file, controller):
            raise Unsupported(f"unified {file}: cgroup controller {controller} has no file {file} on this host")
        return self.group.write(file, value)


CONTROLLERS: tuple[type[Controller], ...] = (Cpu, Cpuset, Memory, Pids, Io, HugetlbV2, Rdma)
