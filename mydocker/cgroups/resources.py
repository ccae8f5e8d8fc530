"""What `linux.resources` of a config.json is made of (runtime-spec config-linux.md, Control groups).

A limit that is not there is not set. Numbers may be negative where -1 means no limit; each controller knows its range.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NotRequired, TypedDict

    from mydocker.shape import Shape

    class DeviceRule(TypedDict):
        """Who may do what with a device."""

        allow: bool
        type: NotRequired[str]
        major: NotRequired[int]
        minor: NotRequired[int]
        access: NotRequired[str]

    class MemoryLimits(TypedDict, total=False):
        """linux.resources.memory."""

        limit: int
        reservation: int
        swap: int
        kernel: int
        kernelTCP: int
        swappiness: int
        disableOOMKiller: bool
        checkBeforeUpdate: bool

    class CpuLimits(TypedDict, total=False):
        """linux.resources.cpu."""

        shares: int
        quota: int
        burst: int
        period: int
        realtimeRuntime: int
        realtimePeriod: int
        cpus: str
        mems: str
        idle: int

    class PidsLimit(TypedDict, total=False):
        """linux.resources.pids."""

        limit: int

    class WeightDevice(TypedDict):
        """One device's share of what all may read and write."""

        major: int
        minor: int
        weight: NotRequired[int]

    class ThrottleDevice(TypedDict):
        """How fast one device may be read or written."""

        major: int
        minor: int
        rate: int

    class BlockIo(TypedDict, total=False):
        """linux.resources.blockIO."""

        weight: int
        leafWeight: int
        weightDevice: list[WeightDevice]
        throttleReadBpsDevice: list[ThrottleDevice]
        throttleWriteBpsDevice: list[ThrottleDevice]
        throttleReadIOPSDevice: list[ThrottleDevice]
        throttleWriteIOPSDevice: list[ThrottleDevice]

    class HugepageLimit(TypedDict):
        """How much of one size of huge pages."""

        pageSize: str
        limit: int

    class InterfacePriority(TypedDict):
        """One network interface's priority."""

        name: str
        priority: int

    class NetworkClass(TypedDict, total=False):
        """linux.resources.network."""

        classID: int
        priorities: list[InterfacePriority]

    class RdmaLimits(TypedDict, total=False):
        """One RDMA device's limits."""

        hcaHandles: int
        hcaObjects: int

    class Resources(TypedDict, total=False):
        """linux.resources."""

        devices: list[DeviceRule]
        memory: MemoryLimits
        cpu: CpuLimits
        pids: PidsLimit
        blockIO: BlockIo
        hugepageLimits: list[HugepageLimit]
        network: NetworkClass
        rdma: dict[str, RdmaLimits]
        unified: dict[str, str]


DEVICE_RULE: Shape = {
    "allow": ("truth", False),
    "type": "text",  # a, b, c or u; what is left out means all
    "major": "number",
    "minor": "number",
    "access": "text",  # of the letters rwm
}
MEMORY_LIMITS: Shape = {
    "limit": "number",  # bytes, as all of these
    "reservation": "number",
    "swap": "number",  # together with memory
    "kernel": "number",
    "kernelTCP": "number",
    "swappiness": "number",
    "disableOOMKiller": "truth",
    "checkBeforeUpdate": "truth",
}
CPU_LIMITS: Shape = {
    "shares": "number",
    "quota": "number",  # microseconds, as burst and period
    "burst": "number",
    "period": "number",
    "realtimeRuntime": "number",
    "realtimePeriod": "number",
    "cpus": "text",  # a list such as 0-2,7
    "mems": "text",
    "idle": "number",
}
PIDS_LIMIT: Shape = {"limit": "number"}
WEIGHT_DEVICE: Shape = {"major!": "natural", "minor!": "natural", "weight": "number"}
THROTTLE_DEVICE: Shape = {"major!": "natural", "minor!": "natural", "rate": ("natural", 0)}
BLOCK_IO: Shape = {
    "weight": "number",
    "leafWeight": "number",
    "weightDevice": [WEIGHT_DEVICE],
    "throttleReadBpsDevice": [THROTTLE_DEVICE],
    "throttleWriteBpsDevice": [THROTTLE_DEVICE],
    "throttleReadIOPSDevice": [THROTTLE_DEVICE],
    "throttleWriteIOPSDevice": [THROTTLE_DEVICE],
}
HUGEPAGE_LIMIT: Shape = {"pageSize!": "text", "limit!": "natural"}
INTERFACE_PRIORITY: Shape = {"name!": "text", "priority!": "natural"}
NETWORK_CLASS: Shape = {"classID": "natural", "priorities": [INTERFACE_PRIORITY]}
RDMA_LIMITS: Shape = {"hcaHandles": "natural", "hcaObjects": "natural"}
RESOURCES: Shape = {
    "devices": [DEVICE_RULE],
    "memory": MEMORY_LIMITS,
    "cpu": CPU_LIMITS,
    "pids": PIDS_LIMIT,
    "blockIO": BLOCK_IO,
    "hugepageLimits": [HUGEPAGE_LIMIT],
    "network": NETWORK_CLASS,
    "rdma": {"*": RDMA_LIMITS},  # by device
    "unified": {"*": "text"},  # version 2's files by name
}


def merged(old: Resources, new: Resources) -> Resources:
    """Return limits in which those that `new` names are replaced, and all others are as they were."""
    both: Any = dict(old)
    for name, group in new.items():
        both[name] = {**both.get(name, {}), **group} if isinstance(group, dict) else group
    found: Resources = both
    return found
