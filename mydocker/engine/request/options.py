"""What the user asked of run or create: one attribute for each flag."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.cgroups.resources import DeviceRule, ThrottleDevice, WeightDevice
    from mydocker.engine.record.config import Healthcheck
    from mydocker.engine.record.containers import Binding, MountPoint, WantedEndpoint
    from mydocker.engine.record.hostconfig import AsGiven
    from mydocker.engine.request.cdi import ContainerEdits
    from mydocker.runtime.spec import Device, Rlimit

    # The parameters of a command line by name. Each has a type of its own, which Options declares.
    Flags = dict[str, Any]


class Options:
    """The flags, parsed. Where a flag was not given, its attribute is None, empty or the flag's default."""

    image: str
    command: list[str]
    interactive: bool
    tty: bool
    detach: bool
    attach: tuple[str, ...]  # stdin, stdout, stderr
    remove: bool  # --rm
    detach_keys: bytes
    sig_proxy: bool
    name: str | None
    cidfile: str | None
    restart: tuple[str, int]  # the policy, and how many restarts it allows, 0 for no limit
    log_driver: str
    log_opt: dict[str, str]
    healthcheck: Healthcheck
    init: bool
    stop_signal: int | None
    stop_timeout: int | None  # seconds, -1 to wait without end
    pull: str  # missing, never or always
    quiet: bool
    platform: str | None
    runtime: str | None
    storage_driver: str | None
    env: list[str]  # NAME=VALUE, or a bare NAME that takes the image's away
    workdir: str | None
    user: str | None
    group_add: tuple[str, ...]
    hostname: str | None
    domainname: str | None
    entrypoint: list[str] | None  # [] for none, None for the image's
    labels: dict[str, str]
    annotation: list[tuple[str, str]]
    memory: int | None  # bytes
    memory_swap: int | None  # bytes of memory and swap together, -1 for no limit
    memory_reservation: int | None  # bytes
    memory_swappiness: int | None
    oom_kill_disable: bool
    oom_score_adj: int | None
    cpus: float | None
    cpu_shares: int | None
    cpu_quota: int | None  # µs
    cpu_period: int | None  # µs
    cpuset_cpus: str | None  # such as '0-2,7'
    cpuset_mems: str | None
    pids_limit: int | None
    blkio_weight: int | None
    blkio_weight_device: list[WeightDevice]
    device_read_bps: list[ThrottleDevice]
    device_write_bps: list[ThrottleDevice]
    device_read_iops: list[ThrottleDevice]
    device_write_iops: list[ThrottleDevice]
    ulimit: list[Rlimit]
    shm_size: int | None  # bytes
    cgroup_parent: str | None
    cgroupns: str
    mounts: list[MountPoint]
    volumes_from: list[tuple[str, bool]]  # a container, and whether its volumes are writable here
    read_only: bool
    device: list[list[tuple[Device, DeviceRule]]]  # for each --device, its nodes
    edits: list[ContainerEdits]  # what --device VENDOR/CLASS=NAME and --gpus add
    device_cgroup_rule: list[DeviceRule]
    as_given: AsGiven  # what inspect shows of these devices and rates, and of --tmpfs
    network: str  # the name of the first network, host, none or container:NAME
    endpoints: dict[str, WantedEndpoint]  # by network
    publish: list[Binding]
    publish_all: bool
    expose: list[str]  # 'PORT/PROTOCOL'
    dns: tuple[str, ...]
    dns_search: tuple[str, ...]
    dns_option: tuple[str, ...]
    add_host: list[str]  # 'NAME:ADDRESS'
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    seccomp: str  # a file, unconfined or builtin, '' if no flag says it
    apparmor: str
    no_new_privileges: bool
    masked: list[str] | None  # what is hidden of /proc and /sys, None for the usual; systempaths=unconfined leaves both lists empty
    read_only_paths: list[str] | None  # what cannot be written of them
    privileged: bool
    userns: str  # '' or host for the host's, auto, or CONTAINER-ID:HOST-ID:SIZE
    pid: str  # '' for a namespace of its own, host or container:NAME; the next two are alike
    ipc: str
    uts: str
    sysctl: list[tuple[str, str]]

    def __init__(self, parsed: Flags) -> None:
        self.__dict__.update(parsed)
