"""The controllers of cgroup version 1. Sources: Documentation/admin-guide/cgroup-v1, the OCI runtime specification (config-linux)."""

from __future__ import annotations

from mydocker.cgroups.controller import Controller, Cpuset, Hugetlb, Pids, Rdma
from mydocker.cgroups.devices import Rule, parse_rules
from mydocker.cgroups.values import device, entries, flag, integer, section, text
from mydocker.errors import BadInput, Conflict, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.values import Resources
    from mydocker.steps.base import Step


class Cpu(Controller):
    """Shares, CFS quota and period, realtime."""

    name = "cpu"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        cpu = section(resources, "cpu")
        return [*self._weight(cpu), *self._bandwidth(cpu), *self._realtime(cpu)]

    def _weight(self, cpu: Resources) -> list[Step]:
        shares, idle = read_shares(cpu), integer(cpu, "idle", "cpu idle", 0, 1)
        steps = [] if idle is None else [self.write("cpu.idle", idle, "cpu idle")]
        # The kernel refuses shares for an idle group.
        return steps + ([self.write("cpu.shares", shares, "cpu shares")] if shares and not idle else [])

    def _bandwidth(self, cpu: Resources) -> list[Step]:
        quota, period, burst = read_bandwidth(cpu)
        steps = [self.write("cpu.cfs_quota_us", quota, "cpu quota")] if quota else []
        if period:
            # A parent limits the ratio of the two: the order that makes it smaller in between is always accepted.
            longer = period >= int(self.present("cpu.cfs_period_us", "100000"))
            steps.insert(0 if longer else len(steps), self.write("cpu.cfs_period_us", period, "cpu period"))
        if burst is not None:
            lower = burst < int(self.present("cpu.cfs_burst_us", "0"))
            steps.insert(0 if lower else len(steps), self.write("cpu.cfs_burst_us", burst, "cpu burst"))
        return steps

    def _realtime(self, cpu: Resources) -> list[Step]:
        period = integer(cpu, "realtimePeriod", "cpu realtime period")
        runtime = integer(cpu, "realtimeRuntime", "cpu realtime runtime", -1)
        steps = [self.write("cpu.rt_period_us", period, "cpu realtime period")] if period else []
        return steps + ([self.write("cpu.rt_runtime_us", runtime, "cpu realtime runtime")] if runtime else [])


def read_shares(cpu: Resources) -> int:
    """Return cpu shares, 0 for none. The kernel would clamp in silence what lies outside 2 to 262144."""
    shares = integer(cpu, "shares", "cpu shares", 0, 262144)
    if shares == 1:
        raise BadInput("cpu shares 1: expected 2 to 262144")
    return shares or 0


def read_bandwidth(cpu: Resources) -> tuple[int, int, int | None]:
    """Return quota (-1 unlimited, 0 not given), period (0 not given) and burst, in microseconds."""
    quota = integer(cpu, "quota", "cpu quota", -1) or 0
    period = integer(cpu, "period", "cpu period", 0, 1000000) or 0
    if 0 < period < 1000:
        raise BadInput(f"cpu period {period}: expected 1000 to 1000000")
    if 0 < quota < 1000:
        raise BadInput(f"cpu quota {quota}: expected at least 1000")
    return quota, period, integer(cpu, "burst", "cpu burst")


class Memory(Controller):
    """Limit, soft limit, memory plus swap, swappiness, OOM killer."""

    name = "memory"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        memory = section(resources, "memory")
        check_usage(memory, self.present("memory.usage_in_bytes", "0"))
        return [*self._limits(memory), *self._soft(memory), *self._behaviour(memory)]

    def _limits(self, memory: Resources) -> list[Step]:
        limit, swap = read_memory(memory)
        if limit == -1 and not swap and self.offers("memory.memsw.limit_in_bytes"):
            swap = -1
        steps = [self.write("memory.limit_in_bytes", limit, "memory limit")] if limit else []
        if swap > 0 and not limit and swap < int(self.present("memory.limit_in_bytes", str(2**63 - 1))):
            raise BadInput(f"memory swap limit {swap}: expected a memory limit that it covers")
        if swap:
            # Memory may never exceed memory plus swap: on the way up the sum goes first, on the way down last.
            upwards = limit == -1 or limit > self._memsw()
            steps.insert(0 if upwards else len(steps), self.write("memory.memsw.limit_in_bytes", swap, "memory swap limit"))
        elif limit > self._memsw():
            raise BadInput(f"memory limit {limit}: expected at most the memory swap limit {self._memsw()}, or a new one of both")
        return steps

    def _memsw(self) -> int:
        return int(self.present("memory.memsw.limit_in_bytes", str(2**63 - 1)))

    def _soft(self, memory: Resources) -> list[Step]:
        reservation = integer(memory, "reservation", "memory reservation", -1)
        kernel_tcp = integer(memory, "kernelTCP", "kernel TCP memory limit", -1)
        steps = [self.write("memory.soft_limit_in_bytes", reservation, "memory reservation")] if reservation else []
        return steps + ([self.write("memory.kmem.tcp.limit_in_bytes", kernel_tcp, "kernel TCP memory limit")] if kernel_tcp else [])

    def _behaviour(self, memory: Resources) -> list[Step]:
        refuse_kernel(memory)
        swappiness = integer(memory, "swappiness", "memory swappiness", 0, 100)
        steps = [] if swappiness is None else [self.write("memory.swappiness", swappiness, "memory swappiness")]
        if flag(memory, "disableOOMKiller", "disable OOM killer"):
            steps.append(self.write("memory.oom_control", 1, "disable OOM killer"))
        return steps


def read_memory(memory: Resources) -> tuple[int, int]:
    """Return the memory limit and memory plus swap in bytes; -1 unlimited, 0 not given."""
    limit = integer(memory, "limit", "memory limit", -1) or 0
    swap = integer(memory, "swap", "memory swap limit", -1) or 0
    if swap > 0 and limit == -1:
        raise BadInput(f"memory swap limit {swap}: expected a memory limit too")
    if 0 < swap < limit:
        raise BadInput(f"memory swap limit {swap}: expected at least the memory limit {limit}")
    return limit, swap


def refuse_kernel(memory: Resources) -> None:
    """Refuse a kernel memory limit: kernels from 5.16 on refuse it or, worse, take it without effect."""
    if (integer(memory, "kernel", "kernel memory limit", -1) or -1) > 0:
        raise Unsupported("kernel memory limit: memory.kmem.limit_in_bytes has no effect in current kernels")


def check_usage(memory: Resources, usage: str) -> None:
    """Refuse a limit below what is used already, if the caller asks for that (checkBeforeUpdate)."""
    limit = integer(memory, "limit", "memory limit", -1) or -1
    if flag(memory, "checkBeforeUpdate", "memory check before update") and 0 < limit < int(usage):
        raise Conflict(f"memory limit {limit}: {usage} bytes are in use")


class Blkio(Controller):
    """Weights (BFQ's, or CFQ's in kernels before 5.0) and throttling."""

    name = "blkio"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        block = section(resources, "blockIO")
        return [*self._weights(block), *self._throttles(block)]

    def _weights(self, block: Resources) -> list[Step]:
        bfq = self.offers("blkio.bfq.weight")
        weight, leaf = (read_weight(block, key) for key in ("weight", "leafWeight"))
        steps = [self.write("blkio.bfq.weight" if bfq else "blkio.weight", weight, "block io weight")] if weight else []
        steps += [self.write("blkio.leaf_weight", leaf, "block io leaf weight")] if leaf else []
        file = "blkio.bfq.weight_device" if bfq else "blkio.weight_device"
        return steps + [self.write(file, line, "block io device weight") for line in device_weights(block)]

    def _throttles(self, block: Resources) -> list[Step]:
        return [
            self.write(f"blkio.throttle.{name}_device", f"{where} {rate}", f"block io {name} limit")
            for key, name in THROTTLES.items()
            for where, rate in throttle(block, key)
        ]


# The specification's key and the kernel's name in blkio.throttle.*_device.
THROTTLES = {
    "throttleReadBpsDevice": "read_bps",
    "throttleWriteBpsDevice": "write_bps",
    "throttleReadIOPSDevice": "read_iops",
    "throttleWriteIOPSDevice": "write_iops",
}


def read_weight(block: Resources, key: str) -> int:
    """Return a block io weight, 0 for none."""
    weight = integer(block, key, "block io weight", 0, 1000) or 0
    if 0 < weight < 10:
        raise BadInput(f"block io weight {weight}: expected 10 to 1000")
    return weight


def device_weights(block: Resources) -> list[str]:
    """Return 'MAJOR:MINOR WEIGHT' lines."""
    weights = [(device(entry, "block io weight"), read_weight(entry, "weight")) for entry in entries(block, "weightDevice")]
    return [f"{where} {weight}" for where, weight in weights if weight]


def throttle(block: Resources, key: str) -> list[tuple[str, int]]:
    """Return ('MAJOR:MINOR', rate) pairs; rates are bytes or operations a second, 0 unlimited."""
    return [(device(entry, key), integer(entry, "rate", key) or 0) for entry in entries(block, key)]


# What devices.list says of a cgroup that denies nothing.
EVERYTHING = "a *:* rwm"


class Devices(Controller):
    """devices.allow and devices.deny, by differences where the cgroup exists: a running process keeps what it may have."""

    name = "devices"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        rules = [part for rule in parse_rules(entries(resources, "devices")) for part in rule.parts()]
        held = self.present("devices.list", EVERYTHING).splitlines()
        allow_list = bool(rules) and rules[0].is_default_deny() and all(rule.allow for rule in rules[1:])
        return self._difference(held, rules[1:]) if allow_list and EVERYTHING not in held else [self._rule(rule) for rule in rules]

    def _difference(self, held: list[str], rules: list[Rule]) -> list[Step]:
        """Return the steps from the present allow-list to another one."""
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
        identity = integer(section(resources, "network"), "classID", "network class", 0, 2**32 - 1)
        return [self.write("net_cls.classid", identity, "network class")] if identity else []


class NetPrio(Controller):
    """Priorities of outgoing packets by interface."""

    name = "net_prio"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        priorities = entries(section(resources, "network"), "priorities")
        return [self.write("net_prio.ifpriomap", self._line(entry), "network priority") for entry in priorities]

    def _line(self, entry: Resources) -> str:
        interface, priority = text(entry, "name", "interface"), integer(entry, "priority", "network priority", 0, 2**32 - 1)
        if not interface or priority is None:
            raise BadInput(f"network priority {dict(entry)!r}: expected name and priority")
        return f"{interface} {priority}"


CONTROLLERS: tuple[type[Controller], ...] = (Cpu, Cpuset, Memory, Pids, Blkio, Devices, Hugetlb, Rdma, NetCls, NetPrio)
