"""What the user asked run or create for, one attribute for each flag."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.cgroups.resources import DeviceRule, ThrottleDevice, WeightDevice
    from mydocker.engine.record.config import Healthcheck
    from mydocker.engine.record.containers import Binding, MountPoint, WantedEndpoint
    from mydocker.runtime.spec import Device, Rlimit

    # A command line's parameters by name, each of a type of its own: it is Options that gives them their types.
    Flags = dict[str, Any]


class Options:
    """One attribute for each flag: parsed, None or empty where it was not given."""

    image: str
    command: list[str]
    interactive: bool
    tty: bool
    detach: bool
    attach: tuple[str, ...]
    remove: bool
    detach_keys: bytes
    sig_proxy: bool
    name: str | None
    cidfile: str | None
    restart: tuple[str, int]
    log_driver: str
    log_opt: dict[str, str]
    healthcheck: Healthcheck
    init: bool
    stop_signal: int | None
    stop_timeout: int | None
    pull: str
    quiet: bool
    platform: str | None
    runtime: str | None
    storage_driver: str | None
    env: list[str]
    workdir: str | None
    user: str | None
    group_add: tuple[str, ...]
    hostname: str | None
    domainname: str | None
    entrypoint: str | None
    labels: dict[str, str]
    annotation: list[tuple[str, str]]
    memory: int | None
    memory_swap: int | None
    memory_reservation: int | None
    memory_swappiness: int | None
    oom_kill_disable: bool
    oom_score_adj: int | None
    cpus: float | None
    cpu_shares: int | None
    cpu_quota: int | None
    cpu_period: int | None
    cpuset_cpus: str | None
    cpuset_mems: str | None
    pids_limit: int | None
    blkio_weight: int | None
    blkio_weight_device: list[WeightDevice]
    device_read_bps: list[ThrottleDevice]
    device_write_bps: list[ThrottleDevice]
    device_read_iops: list[ThrottleDevice]
    device_write_iops: list[ThrottleDevice]
    ulimit: list[Rlimit]
    shm_size: int | None
    cgroup_parent: str | None
    cgroupns: str
    mounts: list[MountPoint]
    volumes_from: list[tuple[str, bool]]
    read_only: bool
    device: list[list[tuple[Device, DeviceRule]]]
    device_cgroup_rule: list[DeviceRule]
    network: str
    endpoints: dict[str, WantedEndpoint]
    publish: list[Binding]
    publish_all: bool
    expose: list[str]
    dns: tuple[str, ...]
    dns_search: tuple[str, ...]
    dns_option: tuple[str, ...]
    add_host: list[str]
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    seccomp: str
    apparmor: str
    no_new_privileges: bool
    unmask: bool
    privileged: bool
    userns: str
    pid: str
    ipc: str
    uts: str
    sysctl: list[tuple[str, str]]

    def __init__(self, parsed: Flags) -> None:
        self.__dict__.update(parsed)
