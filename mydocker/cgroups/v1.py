"""The controllers of cgroup version 1, and the readers of limits that version 2 uses too.

Sources: Documentation/admin-guide/cgroup-v1, the OCI runtime specification (config-linux).
"""

from __future__ import annotations

from mydocker.cgroups.controller import Controller, Cpuset, Hugetlb, Pids, Rdma, within, word
from mydocker.cgroups.devices import Rule, parse_rules
from mydocker.errors import BadInput, Conflict, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import BlockIo, CpuLimits, InterfacePriority, MemoryLimits, Resources
    from mydocker.steps.base import Step


class Cpu(Controller):
    """Limits on processor time: shares, CFS quota and period, realtime."""

    name = "cpu"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        cpu = resources.get("cpu", {})
        return [*self._weight(cpu), *self._bandwidth(cpu), *self._realtime(cpu)]

    def _weight(self, cpu: CpuLimits) -> list[Step]:
        shares, idle = read_shares(cpu), within(cpu.get("idle"), "cpu idle", 0, 1)
        steps = [] if idle is None else [self.write("cpu.idle", idle, "cpu idle")]
        # The kernel refuses shares for an idle group.
        return steps + ([self.write("cpu.shares", shares, "cpu shares")] if shares and not idle else [])

    def _bandwidth(self, cpu: CpuLimits) -> list[Step]:
        quota, period, burst = read_bandwidth(cpu)
        steps = [self.write("cpu.cfs_quota_us", quota, "cpu quota")] if quota else []
        if period:
            # A parent limits the ratio of the two. The kernel always accepts the order that makes the ratio smaller in between.
            longer = period >= int(self.present("cpu.cfs_period_us", "100000"))
            steps.insert(0 if longer else len(steps), self.write("cpu.cfs_period_us", period, "cpu period"))
        if burst is not None:
            lower = burst < int(self.present("cpu.cfs_burst_us", "0"))
            steps.insert(0 if lower else len(steps), self.write("cpu.cfs_burst_us", burst, "cpu burst"))
        return steps

    def _realtime(self, cpu: CpuLimits) -> list[Step]:
        period = within(cpu.get("realtimePeriod"), "cpu realtime period")
        runtime = within(cpu.get("realtimeRuntime"), "cpu realtime runtime", -1)
        steps = [self.write("cpu.rt_period_us", period, "cpu realtime period")] if period else []
        return steps + ([self.write("cpu.rt_runtime_us", runtime, "cpu realtime runtime")] if runtime else [])


def read_shares(cpu: CpuLimits) -> int:
    """Return the cpu shares, or 0 if they are not given. Raises BadInput outside 2 to 262144, which the kernel would clamp in silence."""
    shares = within(cpu.get("shares"), "cpu shares", 0, 262144)
    if shares == 1:
        raise BadInput("cpu shares 1: expected 2 to 262144")
    return shares or 0


def read_bandwidth(cpu: CpuLimits) -> tuple[int, int, int | None]:
    """Return (quota, period, burst) in microseconds. Raises BadInput.

    A quota of -1 is unlimited. What is not given is 0 as quota and period, and None as burst.
    """
    quota = within(cpu.get("quota"), "cpu quota", -1) or 0
    period = within(cpu.get("period"), "cpu period", 0, 1000000) or 0
    if 0 < period < 1000:
        raise BadInput(f"cpu period {period}: expected 1000 to 1000000")
    if 0 < quota < 1000:
        raise BadInput(f"cpu quota {quota}: expected at least 1000")
    return quota, period, within(cpu.get("burst"), "cpu burst")


class Memory(Controller):
    """Limits on memory, soft and hard, and on memory plus swap; swappiness; the OOM killer."""

    name = "memory"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        memory = resources.get("memory", {})
        check_usage(memory, self.present("memory.usage_in_bytes", "0"))
        return [*self._limits(memory), *self._soft(memory), *self._behaviour(memory)]

    def _limits(self, memory: MemoryLimits) -> list[Step]:
        limit, swap = read_memory(memory)
        if limit == -1 and not swap and self.offers("memory.memsw.limit_in_bytes"):
            swap = -1
        steps = [self.write("memory.limit_in_bytes", limit, "memory limit")] if limit else []
        if swap > 0 and not limit and swap < int(self.present("memory.limit_in_bytes", str(2**63 - 1))):
            raise BadInput(f"memory swap limit {swap}: expected a memory limit that it covers")
        if swap:
            # The limit on memory may never exceed that on memory plus swap. So that one is raised first, and lowered last.
            upwards = limit == -1 or limit > self._memsw()
            steps.insert(0 if upwards else len(steps), self.write("memory.memsw.limit_in_bytes", swap, "memory swap limit"))
        elif limit > self._memsw():
            raise BadInput(f"memory limit {limit}: expected at most the memory swap limit {self._memsw()}, or a new one of both")
        return steps

    def _memsw(self) -> int:
        return int(self.present("memory.memsw.limit_in_bytes", str(2**63 - 1)))

    def _soft(self, memory: MemoryLimits) -> list[Step]:
        reservation = within(memory.get("reservation"), "memory reservation", -1)
        kernel_tcp = within(memory.get("kernelTCP"), "kernel TCP memory limit", -1)
        steps = [self.write("memory.soft_limit_in_bytes", reservation, "memory reservation")] if reservation else []
        return steps + ([self.write("memory.kmem.tcp.limit_in_bytes", kernel_tcp, "kernel TCP memory limit")] if kernel_tcp else [])

    def _behaviour(self, memory: MemoryLimits) -> list[Step]:
        refuse_kernel(memory)
        swappiness = within(memory.get("swappiness"), "memory swappiness", 0, 100)
        steps = [] if swappiness is None else [self.write("memory.swappiness", swappiness, "memory swappiness")]
        if memory.get("disableOOMKiller"):
            steps.append(self.write("memory.oom_control", 1, "disable OOM killer"))
        return steps


def read_memory(memory: MemoryLimits) -> tuple[int, int]:
    """Return the limits on memory, and on memory plus swap, in bytes. -1 is unlimited, and 0 is not given. Raises BadInput."""
    limit = within(memory.get("limit"), "memory limit", -1) or 0
    swap = within(memory.get("swap"), "memory swap limit", -1) or 0
    if swap > 0 and limit == -1:
        raise BadInput(f"memory swap limit {swap}: expected a memory limit too")
    if 0 < swap < limit:
        raise BadInput(f"memory swap limit {swap}: expected at least the memory limit {limit}")
    return limit, swap


def refuse_kernel(memory: MemoryLimits) -> None:
    """Raise Unsupported for a limit on kernel memory. Kernels from 5.16 on refuse it or, worse, take it without effect."""
    if (within(memory.get("kernel"), "kernel memory limit", -1) or -1) > 0:
        raise Unsupported("kernel memory limit: memory.kmem.limit_in_bytes has no effect in current kernels")


def check_usage(memory: MemoryLimits, usage: str) -> None:
    """Raise Conflict for a limit below what is used already, if the limits ask for this check (checkBeforeUpdate)."""
    limit = within(memory.get("limit"), "memory limit", -1) or -1
    if memory.get("checkBeforeUpdate") and 0 < limit < int(usage):
        raise Conflict(f"memory limit {limit}: {usage} bytes are in use")


class Blkio(Controller):
    """Weights of block devices (BFQ's, or CFQ's in kernels before 5.0), and throttling."""

    name = "blkio"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        block = resources.get("blockIO", {})
        return [*self._weights(block), *self._throttles(block)]

    def _weights(self, block: BlockIo) -> list[Step]:
        bfq = self.offers("blkio.bfq.weight")
        weight, leaf = read_weight(block.get("weight")), read_weight(block.get("leafWeight"))
        steps = [self.write("blkio.bfq.weight" if bfq else "blkio.weight", weight, "block io weight")] if weight else []
        steps += [self.write("blkio.leaf_weight", leaf, "block io leaf weight")] if leaf else []
        file = "blkio.bfq.weight_device" if bfq else "blkio.weight_device"
        return steps + [self.write(file, line, "block io device weight") for line in device_weights(block)]

    def _throttles(self, block: BlockIo) -> list[Step]:
        limits = throttles(block)
        return [self.write(f"blkio.throttle.{name}_device", f"{at} {rate}", f"block io {name} limit") for name, at, rate in limits]


def read_weight(weight: int | None) -> int:
    """Return a block io weight, or 0 if it is not given. Raises BadInput."""
    weight = within(weight, "block io weight", 0, 1000) or 0
    if 0 < weight < 10:
        raise BadInput(f"block io weight {weight}: expected 10 to 1000")
    return weight


def device_weights(block: BlockIo) -> list[str]:
    """Return the weights of single devices, each as 'MAJOR:MINOR WEIGHT'."""
    weights = [(each, read_weight(each.get("weight"))) for each in block.get("weightDevice", [])]
    return [f"{each['major']}:{each['minor']} {weight}" for each, weight in weights if weight]


def throttles(block: BlockIo) -> list[tuple[str, str, int]]:
    """Return the limits of throttling, each as (name, 'MAJOR:MINOR', rate).

    The name is what stands for the * in blkio.throttle.*_device. A rate is bytes or operations in a second, and 0 is unlimited.
    """
    devices = {
        "read_bps": block.get("throttleReadBpsDevice", []),
        "write_bps": block.get("throttleWriteBpsDevice", []),
        "read_iops": block.get("throttleReadIOPSDevice", []),
        "write_iops": block.get("throttleWriteIOPSDevice", []),
    }
    return [(name, f"{each['major']}:{each['minor']}", each["rate"]) for name, limits in devices.items() for each in limits]


# What devices.list says of a cgroup that denies nothing.
EVERYTHING = "a *:* rwm"


class Devices(Controller):
    """Access to devices: devices.allow and devices.deny.

    In a cgroup that exists only the differences are written, so that a running process does not lose for a moment what it may have.
    """

    name = "devices"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        rules = [part for rule in parse_rules(resources.get("devices", [])) for part in rule.parts()]
        held = self.present("devices.list", EVERYTHING).splitlines()
        allow_list = bool(rules) and rules[0].is_default_deny() and all(rule.allow for rule in rules[1:])
        return self._difference(held, rules[1:]) if allow_list and EVERYTHING not in held else [self._rule(rule) for rule in rules]

    def _difference(self, held: list[str], rules: list[Rule]) -> list[Step]:
        """Return the steps that lead from what is allowed now, the lines of devices.list, to other rules."""
        wanted = [rule.kernel_line() for rule in rules]
        denied = [self.write("devices.deny", line, "device rule") for line in held if line not in wanted]
        return denied + [self._rule(rule) for rule in rules if rule.kernel_line() not in held]

    def _rule(self, rule: Rule) -> Step:
        return self.write("devices.allow" if rule.allow else "devices.deny", rule.kernel_line(), "device rule")


class NetCls(Controller):
    """The class that tc(8) and iptables see on the container's packets."""

    name = "net_cls"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        identity = within(resources.get("network", {}).get("classID"), "network class", 0, 2**32 - 1)
        return [self.write("net_cls.classid", identity, "network class")] if identity else []


class NetPrio(Controller):
    """Priorities of outgoing packets, by interface."""

    name = "net_prio"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        priorities = resources.get("network", {}).get("priorities", [])
        return [self.write("net_prio.ifpriomap", self._line(entry), "network priority") for entry in priorities]

    def _line(self, entry: InterfacePriority) -> str:
        within(entry["priority"], "network priority", 0, 2**32 - 1)
        return f"{word(entry['name'], 'interface')} {entry['priority']}"


CONTROLLERS: tuple[type[Controller], ...] = (Cpu, Cpuset, Memory, Pids, Blkio, Devices, Hugetlb, Rdma, NetCls, NetPrio)
