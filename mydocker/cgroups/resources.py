"""The shape of `linux.resources` in a config.json (runtime-spec config-linux.md, Control groups).

A limit that is not there is not set. A number may be negative where -1 means no limit. Each controller knows its ranges.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NotRequired, TypedDict

    from mydocker.shape import Shape

    class DeviceRule(TypedDict):
        """A rule that allows or denies access to devices."""

        allow: bool
        type: NotRequired[str]
        major: NotRequired[int]
        minor: NotRequired[int]
        access: NotRequired[str]

    class MemoryLimits(TypedDict, total=False):
        """The object `linux.resources.memory`."""

        limit: int
        reservation: int
        swap: int
        kernel: int
        kernelTCP: int
        swappiness: int
        disableOOMKiller: bool
        checkBeforeUpdate: bool

    class CpuLimits(TypedDict, total=False):
        """The object `linux.resources.cpu`."""

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
        """The object `linux.resources.pids`."""

        limit: int

    class WeightDevice(TypedDict):
        """How large one device's share is of what may be read and written."""

        major: int
        minor: int
        weight: NotRequired[int]

    class ThrottleDevice(TypedDict):
        """How fast one device may be read or written."""

        major: int
        minor: int
        rate: int

    class BlockIo(TypedDict, total=False):
        """The object `linux.resources.blockIO`."""

        weight: int
        leafWeight: int
        weightDevice: list[WeightDevice]
        throttleReadBpsDevice: list[ThrottleDevice]
        throttleWriteBpsDevice: list[ThrottleDevice]
        throttleReadIOPSDevice: list[ThrottleDevice]
        throttleWriteIOPSDevice: list[ThrottleDevice]

    class HugepageLimit(TypedDict):
        """How much memory may be used in huge pages of one size."""

        pageSize: str
        limit: int

    class InterfacePriority(TypedDict):
        """The priority of what goes out by one network interface."""

        name: str
        priority: int

    class NetworkClass(TypedDict, total=False):
        """The object `linux.resources.network`."""

        classID: int
        priorities: list[InterfacePriority]

    class RdmaLimits(TypedDict, total=False):
        """The limits for one RDMA device."""

        hcaHandles: int
        hcaObjects: int

    class Resources(TypedDict, total=False):
        """The whole of `linux.resources`."""

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
    "limit": "number",  # in bytes, as the next four
    "reservation": "number",
    "swap": "number",  # of memory and swap together
    "kernel": "number",
    "kernelTCP": "number",
    "swappiness": "number",
    "disableOOMKiller": "truth",
    "checkBeforeUpdate": "truth",
}
CPU_LIMITS: Shape = {
    "shares": "number",
    "quota": "number",  # in microseconds, as burst, period and the two realtime fields
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
    "rdma": {"*": RDMA_LIMITS},  # by the device's name
    "unified": {"*": "text"},  # what is written to files of version 2, by their names
}


def merged(old: Resources, new: Resources) -> Resources:
    """Return the limits of `old`, with those replaced that `new` names."""
    both: Any = dict(old)
    for name, group in new.items():
        both[name] = {**both.get(name, {}), **group} if isinstance(group, dict) else group
    found: Resources = both
    return found
