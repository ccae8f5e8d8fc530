"""The `hostConfig` of a container record: what the flags asked of the host, under the names of docker's inspect and API (HostConfig).

Where nothing was asked, a number is 0 and a list is null, as docker writes them. The numbers of devices are only in the spec. Mount
points are in the record's `mounts`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.shape import Shape

    class PortBinding(TypedDict):
        """Where on the host a port of the container is to be published."""

        HostIp: str
        HostPort: str

    class RestartPolicy(TypedDict):
        """Whether a container that has ended is started again."""

        Name: str
        MaximumRetryCount: int

    class LogConfig(TypedDict):
        """Where the container's output is kept."""

        Type: str
        Config: dict[str, str]

    class Ulimit(TypedDict):
        """A limit of the container's processes (setrlimit(2))."""

        Name: str
        Soft: int
        Hard: int

    class Limits(TypedDict):
        """The limits, which `update` can change."""

        Memory: int
        MemorySwap: int
        MemoryReservation: int
        MemorySwappiness: int | None
        OomKillDisable: bool
        OomScoreAdj: int
        NanoCpus: int
        CpuShares: int
        CpuQuota: int
        CpuPeriod: int
        CpusetCpus: str
        CpusetMems: str
        PidsLimit: int | None
        BlkioWeight: int

    class Namespaces(TypedDict):
        """What the container has of its own, and what it shares with the host or with another container."""

        NetworkMode: str
        PortBindings: dict[str, list[PortBinding]]
        PublishAllPorts: bool
        Dns: list[str]
        DnsSearch: list[str]
        DnsOptions: list[str]
        ExtraHosts: list[str] | None
        PidMode: str
        IpcMode: str
        UTSMode: str
        UsernsMode: str
        CgroupnsMode: str

    class Confinement(TypedDict):
        """What the container's processes may do."""

        Privileged: bool
        ReadonlyRootfs: bool
        CapAdd: list[str] | None
        CapDrop: list[str] | None
        GroupAdd: list[str] | None
        SecurityOpt: list[str] | None
        Sysctls: dict[str, str] | None
        MaskedPaths: list[str]
        ReadonlyPaths: list[str]

    class DeviceMapping(TypedDict):
        """A device of the host, as it was asked for."""

        PathOnHost: str
        PathInContainer: str
        CgroupPermissions: str

    class DeviceRate(TypedDict):
        """How fast a block device may be used: bytes or operations per second."""

        Path: str
        Rate: int

    class DeviceWeight(TypedDict):
        """The container's share of a block device."""

        Path: str
        Weight: int

    class DeviceRequest(TypedDict):
        """Devices that somebody else has described: by a CDI specification."""

        Driver: str
        Count: int
        DeviceIDs: list[str] | None
        Capabilities: list[list[str]] | None
        Options: dict[str, str] | None

    class AsGiven(TypedDict):
        """What the spec has in other words, and inspect shows as it was given."""

        Devices: list[DeviceMapping]
        DeviceCgroupRules: list[str] | None
        DeviceRequests: list[DeviceRequest] | None
        BlkioWeightDevice: list[DeviceWeight]
        BlkioDeviceReadBps: list[DeviceRate] | None
        BlkioDeviceWriteBps: list[DeviceRate] | None
        BlkioDeviceReadIOps: list[DeviceRate] | None
        BlkioDeviceWriteIOps: list[DeviceRate] | None
        Tmpfs: dict[str, str] | None
        Isolation: str
        VolumeDriver: str
        RuntimeName: str

    class HostConfig(Namespaces, Limits, Confinement, AsGiven):
        """What the flags asked of the host."""

        RestartPolicy: RestartPolicy
        LogConfig: LogConfig
        Init: bool
        Runtime: str
        CgroupParent: str
        CgroupPath: str
        AutoRemove: bool
        ContainerIDFile: str
        Ulimits: list[Ulimit] | None
        ShmSize: int
        ConsoleSize: list[int]
        VolumesFrom: list[str] | None


PORT_BINDING: Shape = {
    "HostIp": ("text", ""),  # '' for every address of the host
    "HostPort": ("text", ""),  # a number, a range FIRST-LAST, or '' for any
}

RESTART_POLICY: Shape = {
    "Name": ("text", "no"),  # no, on-failure, always or unless-stopped
    "MaximumRetryCount": ("natural", 0),  # 0 for no limit
}

LOG_CONFIG: Shape = {
    "Type": ("text", "json-file"),  # json-file, local, syslog, journald or none
    "Config": ({"*": "text"}, {}),  # the options of the driver, see request/settings.py
}

ULIMIT: Shape = {
    "Name!": "text",
    "Soft!": "number",  # -1 for no limit
    "Hard!": "number",
}

DEVICE_MAPPING: Shape = {
    "PathOnHost": ("text", ""),
    "PathInContainer": ("text", ""),
    "CgroupPermissions": ("text", ""),  # some of the letters rwm
}

DEVICE_RATE: Shape = {"Path": ("text", ""), "Rate": ("natural", 0)}

DEVICE_WEIGHT: Shape = {"Path": ("text", ""), "Weight": ("natural", 0)}

DEVICE_REQUEST: Shape = {
    "Driver": ("text", ""),  # cdi, or '' for whoever has the capabilities
    "Count": ("number", 0),  # -1 for all
    "DeviceIDs": (["text"], None),  # with cdi their names, VENDOR/CLASS=NAME
    "Capabilities": ([["text"]], None),
    "Options": ({"*": "text"}, None),
}

HOST_CONFIG: Shape = {
    "NetworkMode": ("text", "bridge"),  # the name of the first network, host, none or container:NAME
    "PortBindings": ({"*": [PORT_BINDING]}, {}),  # by 'PORT/PROTOCOL'
    "PublishAllPorts": ("truth", False),
    "Dns": (["text"], []),
    "DnsSearch": (["text"], []),
    "DnsOptions": (["text"], []),
    "ExtraHosts": (["text"], None),  # 'NAME:ADDRESS'
    "PidMode": ("text", ""),  # '' for a namespace of its own, host or container:NAME; the other modes are alike
    "IpcMode": ("text", "private"),  # also shareable or none
    "UTSMode": ("text", ""),
    "UsernsMode": ("text", ""),
    "CgroupnsMode": ("text", "private"),
    "Memory": ("number", 0),  # bytes
    "MemorySwap": ("number", 0),  # bytes of memory and swap together, -1 for no limit
    "MemoryReservation": ("number", 0),
    "MemorySwappiness": ("number", None),
    "OomKillDisable": ("truth", False),
    "OomScoreAdj": ("number", 0),
    "NanoCpus": ("number", 0),
    "CpuShares": ("number", 0),
    "CpuQuota": ("number", 0),  # µs
    "CpuPeriod": ("number", 0),
    "CpusetCpus": ("text", ""),  # '0-2,7'
    "CpusetMems": ("text", ""),
    "PidsLimit": ("number", None),
    "BlkioWeight": ("number", 0),
    "Privileged": ("truth", False),
    "ReadonlyRootfs": ("truth", False),
    "CapAdd": (["text"], None),
    "CapDrop": (["text"], None),
    "GroupAdd": (["text"], None),
    "SecurityOpt": (["text"], None),  # NAME=VALUE
    "Sysctls": ({"*": "text"}, None),
    "MaskedPaths": (["text"], []),
    "ReadonlyPaths": (["text"], []),
    "RestartPolicy": (RESTART_POLICY, {}),
    "LogConfig": (LOG_CONFIG, {}),
    "Init": ("truth", False),
    "Runtime": ("text", ""),  # the path of another OCI runtime, '' for our own
    "CgroupParent": ("text", ""),
    "CgroupPath!": "text",  # not in docker's: the container's cgroup in every hierarchy
    "AutoRemove": ("truth", False),
    "ContainerIDFile": ("text", ""),
    "Ulimits": ([ULIMIT], None),
    "ShmSize": ("number", 0),  # bytes, 0 if the container has no /dev/shm of its own
    "ConsoleSize": (["natural"], [0, 0]),  # rows and columns of the terminal at first, 0 for those of the client
    # As they were given. A container of before these were kept has none of them here, whatever its spec says.
    "Devices": ([DEVICE_MAPPING], []),
    "DeviceCgroupRules": (["text"], None),
    "DeviceRequests": ([DEVICE_REQUEST], None),
    "BlkioWeightDevice": ([DEVICE_WEIGHT], []),
    "BlkioDeviceReadBps": ([DEVICE_RATE], None),
    "BlkioDeviceWriteBps": ([DEVICE_RATE], None),
    "BlkioDeviceReadIOps": ([DEVICE_RATE], None),
    "BlkioDeviceWriteIOps": ([DEVICE_RATE], None),
    "Tmpfs": ({"*": "text"}, None),  # the options by destination
    "Isolation": ("text", ""),
    "VolumeDriver": ("text", ""),  # of a container without volumes to make: it would have been asked for them
    "RuntimeName": ("text", ""),  # not in docker's: the word for the runtime, if there was one
    "VolumesFrom": (["text"], None),  # NAME or NAME:ro
}
