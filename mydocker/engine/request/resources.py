"""Limit flags → the OCI `linux.resources` object (config-linux.md, Control groups)."""

from __future__ import annotations

from typing import Any

from mydocker.engine.request.options import Options

_PERIOD = 100_000

# docker's and runc's: make any node, use these; 136:* are the terminals of devpts.
_ALLOWED = [("c", 1, 3), ("c", 1, 5), ("c", 1, 7), ("c", 1, 8), ("c", 1, 9), ("c", 5, 0), ("c", 5, 1), ("c", 5, 2), ("c", 136, None)]


def device_rules(options: Options) -> list[dict[str, Any]]:
    """Return the device rules: everything for --privileged, else docker's list and what the flags add."""
    if options.privileged:
        return [{"allow": True, "access": "rwm"}]
    rules: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    rules += [{"allow": True, "type": kind, "access": "m"} for kind in ("c", "b")]
    for kind, major, minor in _ALLOWED:
        rules.append({"allow": True, "type": kind, "major": major, **({} if minor is None else {"minor": minor}), "access": "rwm"})
    return [*rules, *(rule for pairs in options.device for _, rule in pairs), *options.device_cgroup_rule]


def resources(options: Options, has_swap: bool) -> dict[str, Any]:
    """Return memory, cpu, pids and blockIO, each only if a flag asks for it. has_swap: this host can limit swap."""
    groups = {"memory": _memory(options, has_swap), "cpu": _cpu(options), "pids": _pids(options), "blockIO": _block_io(options)}
    return {name: group for name, group in groups.items() if group}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value is not False and value != []}


def _memory(options: Options, has_swap: bool) -> dict[str, Any]:
    swap = options.memory_swap
    if options.memory and not swap and has_swap:
        swap = options.memory * 2  # docker's default: as much swap as memory
    return _given(
        limit=options.memory or None,
        swap=swap or None,
        reservation=options.memory_reservation or None,
        swappiness=options.memory_swappiness if options.memory_swappiness != -1 else None,
        disableOOMKiller=options.oom_kill_disable,
    )


def _cpu(options: Options) -> dict[str, Any]:
    quota, period = options.cpu_quota, options.cpu_period
    if options.cpus:
        quota, period = int(options.cpus * _PERIOD), _PERIOD
    return _given(shares=options.cpu_shares or None, quota=quota or None, period=period, cpus=options.cpuset_cpus, mems=options.cpuset_mems)


def _pids(options: Options) -> dict[str, Any]:
    limit = options.pids_limit
    return {"limit": limit if limit > 0 else -1} if limit is not None else {}


def _block_io(options: Options) -> dict[str, Any]:
    return _given(
        weight=options.blkio_weight,
        weightDevice=options.blkio_weight_device,
        throttleReadBpsDevice=options.device_read_bps,
        throttleWriteBpsDevice=options.device_write_bps,
        throttleReadIOPSDevice=options.device_read_iops,
        throttleWriteIOPSDevice=options.device_write_iops,
    )
