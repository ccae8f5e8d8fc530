"""From the flags of limits to the OCI `linux.resources` object (config-linux.md, Control groups)."""

from __future__ import annotations

from mydocker.engine.request.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import BlockIo, CpuLimits, DeviceRule, MemoryLimits, PidsLimit, Resources

_PERIOD = 100_000  # µs, with --cpus

# As with docker and runc, a container may make any device node, and use these devices. 136:* are the terminals of devpts.
_ALLOWED = [("c", 1, 3), ("c", 1, 5), ("c", 1, 7), ("c", 1, 8), ("c", 1, 9), ("c", 5, 0), ("c", 5, 1), ("c", 5, 2), ("c", 136, None)]


def device_rules(options: Options) -> list[DeviceRule]:
    """Return the rules for devices.

    With --privileged, everything is allowed. Otherwise docker's list is, and what the flags add.
    """
    if options.privileged:
        return [{"allow": True, "access": "rwm"}]
    rules: list[DeviceRule] = [{"allow": False, "access": "rwm"}]
    rules += [{"allow": True, "type": kind, "access": "m"} for kind in ("c", "b")]
    for kind, major, minor in _ALLOWED:
        rule: DeviceRule = {"allow": True, "type": kind, "major": major}
        if minor is not None:
            rule["minor"] = minor
        rule["access"] = "rwm"
        rules.append(rule)
    return [*rules, *(rule for pairs in options.device for _, rule in pairs), *options.device_cgroup_rule]


def resources(options: Options, has_swap: bool) -> Resources:
    """Return memory, cpu, pids and blockIO, each only if a flag asks for it.

    has_swap: whether this host can limit swap.
    """
    found: Resources = {}
    if memory := _memory(options, has_swap):
        found["memory"] = memory
    if cpu := _cpu(options):
        found["cpu"] = cpu
    if pids := _pids(options):
        found["pids"] = pids
    if block_io := _block_io(options):
        found["blockIO"] = block_io
    return found


def _memory(options: Options, has_swap: bool) -> MemoryLimits:
    limits: MemoryLimits = {}
    if options.memory:
        limits["limit"] = options.memory
    if options.memory_swap:
        limits["swap"] = options.memory_swap
    elif options.memory and has_swap:
        limits["swap"] = options.memory * 2  # docker's default: as much swap as memory
    if options.memory_reservation:
        limits["reservation"] = options.memory_reservation
    if options.memory_swappiness not in (None, -1):
        limits["swappiness"] = options.memory_swappiness
    if options.oom_kill_disable:
        limits["disableOOMKiller"] = True
    return limits


def _cpu(options: Options) -> CpuLimits:
    limits: CpuLimits = {}
    quota, period = options.cpu_quota, options.cpu_period
    if options.cpus:
        quota, period = int(options.cpus * _PERIOD), _PERIOD
    if options.cpu_shares:
        limits["shares"] = options.cpu_shares
    if quota:
        limits["quota"] = quota
    if period is not None:
        limits["period"] = period
    if options.cpuset_cpus is not None:
        limits["cpus"] = options.cpuset_cpus
    if options.cpuset_mems is not None:
        limits["mems"] = options.cpuset_mems
    return limits


def _pids(options: Options) -> PidsLimit:
    limit = options.pids_limit
    return {"limit": limit if limit > 0 else -1} if limit is not None else {}


def _block_io(options: Options) -> BlockIo:
    limits: BlockIo = {}
    if options.blkio_weight is not None:
        limits["weight"] = options.blkio_weight
    if options.blkio_weight_device:
        limits["weightDevice"] = options.blkio_weight_device
    if options.device_read_bps:
        limits["throttleReadBpsDevice"] = options.device_read_bps
    if options.device_write_bps:
        limits["throttleWriteBpsDevice"] = options.device_write_bps
    if options.device_read_iops:
        limits["throttleReadIOPSDevice"] = options.device_read_iops
    if options.device_write_iops:
        limits["throttleWriteIOPSDevice"] = options.device_write_iops
    return limits
