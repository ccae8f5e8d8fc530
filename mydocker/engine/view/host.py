"""What docker's `version` and `info` show, under docker's names: for the API, and for --format."""

from __future__ import annotations

import os
import sys
import time

from mydocker.engine.record.moments import timestamp
from mydocker.engine.request.cdi import CDI_DIRECTORIES
from mydocker.version import NEWEST_API, OLDEST_API, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.paths import Paths

_COUNTS = ("Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images")
_COPIED = (*_COUNTS, "OSType", "Architecture", "KernelVersion", "NCPU", "MemTotal", "Name")
_NO_SWARM = {"NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": False, "Error": "", "RemoteManagers": None}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def version() -> dict[str, Any]:
    """Return docker's document about an engine's version."""
    newest, oldest = (".".join(map(str, each)) for each in (NEWEST_API, OLDEST_API))
    machine = os.uname()
    known = {
        "Version": VERSION,
        "ApiVersion": newest,
        "MinAPIVersion": oldest,
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": _ARCHITECTURES.get(machine.machine, machine.machine),
        "KernelVersion": machine.release,
        "BuildTime": "",
    }
    details = {key: value for key, value in known.items() if key != "Version"}
    engine = {"Name": "Engine", "Version": VERSION, "Details": {**details, "Experimental": "false"}}
    python = {"Name": "Python", "Version": sys.version.split()[0], "Details": {}}
    return {"Platform": {"Name": "mydocker"}, "Components": [engine, python], **known}


def client() -> dict[str, Any]:
    """Return what docker's `version` and `info` say of the half that the user types to."""
    both = version()
    newest = both["ApiVersion"]
    return {**both, "DefaultAPIVersion": newest, "Context": "default", "Debug": False, "Plugins": [], "Warnings": None}


def info(paths: Paths, found: Any) -> dict[str, Any]:
    """Return docker's document about this host. found: what engine/system/info.py says"""
    from mydocker.images.registries import Registries

    controllers = found["Cgroups"]["Controllers"].split()
    return {
        "ID": found["Name"],
        **{name: found[name] for name in _COPIED},
        "Driver": next((name for name, able in found["Storage drivers"].items() if able == "yes"), ""),
        "DriverStatus": [[name, able] for name, able in found["Storage drivers"].items()],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "ipvlan", "macvlan", "null", "vxlan"],
            "Authorization": None,
            "Log": ["journald", "json-file", "local", "none", "syslog"],
        },
        "MemoryLimit": "memory" in controllers,
        "SwapLimit": found["Kernel"]["Swap accounting"] == "yes",
        "KernelMemory": False,
        "KernelMemoryTCP": False,
        "CpuCfsPeriod": "cpu" in controllers,
        "CpuCfsQuota": "cpu" in controllers,
        "CPUShares": "cpu" in controllers,
        "CPUSet": "cpuset" in controllers,
        "PidsLimit": "pids" in controllers,
        "IPv4Forwarding": _is_on("/proc/sys/net/ipv4/ip_forward"),
        "BridgeNfIptables": _is_on("/proc/sys/net/bridge/bridge-nf-call-iptables"),
        "BridgeNfIp6tables": _is_on("/proc/sys/net/bridge/bridge-nf-call-ip6tables"),
        "Debug": False,
        "NFd": len(os.listdir("/proc/self/fd")),
        "OomKillDisable": "memory" in controllers and found["Cgroups"]["Version"] != "v2",
        "NGoroutines": 1,
        "SystemTime": timestamp(time.time_ns()),
        "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if found["Cgroups"]["Version"] == "v2" else "1",
        "NEventsListener": 0,
        "OperatingSystem": _system_name(),
        "OSVersion": "",
        "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": Registries(paths.config).document(),
        "GenericResources": None,
        "DockerRootDir": found["Root"],
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "Labels": [],
        "ExperimentalBuild": False,
        "ServerVersion": VERSION,
        "Runtimes": {"mydocker": {"path": "mydocker-oci"}},
        "DefaultRuntime": "mydocker",
        "Swarm": _NO_SWARM,
        "LiveRestoreEnabled": True,  # nothing ends with the service
        "Isolation": "",
        "InitBinary": "docker-init",
        **{part: {"ID": "", "Expected": ""} for part in ("ContainerdCommit", "RuncCommit", "InitCommit")},  # parts of mydocker here
        "CDISpecDirs": list(CDI_DIRECTORIES),
        "SecurityOptions": ["name=seccomp,profile=default"] if found["Kernel"]["Seccomp"] != "no" else [],
        "Warnings": None,
    }


def _is_on(path: str) -> bool:
    try:
        with open(path) as file:
            return file.read().strip() == "1"
    except FileNotFoundError:
        return False


def _system_name() -> str:
    try:
        with open("/etc/os-release") as file:
            names = dict(line.rstrip("\n").partition("=")[::2] for line in file)
    except FileNotFoundError:
        return "Linux"
    return names.get("PRETTY_NAME", "Linux").strip('"')
