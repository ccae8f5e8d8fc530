"""From docker's JSON to options: the same as the flags give."""

from __future__ import annotations

from typing import Any

import pytest

from mydocker.api import limits
from mydocker.api.wanted import options
from mydocker.errors import BadInput


def made(**config: Any) -> Any:
    return options({"Image": "busybox", **config}, "", "")


def of_host(**host: Any) -> Any:
    return made(HostConfig=host)


def test_what_docker_s_client_sends_for_nothing() -> None:
    """docker run busybox, as 20.10 sends it."""
    found = made(
        Hostname="",
        Domainname="",
        User="",
        AttachStdin=False,
        AttachStdout=True,
        AttachStderr=True,
        Tty=False,
        OpenStdin=False,
        StdinOnce=False,
        Env=[],
        Cmd=None,
        Volumes={},
        WorkingDir="",
        Entrypoint=None,
        OnBuild=None,
        Labels={},
        HostConfig={
            "Binds": None,
            "ContainerIDFile": "",
            "LogConfig": {"Type": "", "Config": {}},
            "NetworkMode": "default",
            "PortBindings": {},
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "AutoRemove": False,
            "VolumeDriver": "",
            "VolumesFrom": None,
            "CapAdd": None,
            "CgroupnsMode": "",
            "Dns": [],
            "DnsOptions": [],
            "DnsSearch": [],
            "ExtraHosts": None,
            "IpcMode": "",
            "Links": None,
            "OomScoreAdj": 0,
            "PidMode": "",
            "SecurityOpt": None,
            "ShmSize": 0,
            "ConsoleSize": [0, 0],
            "Isolation": "",
            "NanoCpus": 0,
            "BlkioWeightDevice": [],
            "BlkioDeviceReadBps": None,
            "Devices": [],
            "DeviceRequests": None,
            "KernelMemory": 0,
            "MemorySwappiness": -1,
            "OomKillDisable": False,
            "PidsLimit": 0,
            "Ulimits": None,
            "CpuCount": 0,
            "MaskedPaths": None,
            "ReadonlyPaths": None,
        },
        NetworkingConfig={"EndpointsConfig": {}},
    )
    assert (found.command, found.entrypoint, found.network, found.detach) == ([], None, "bridge", False)
    assert (found.memory, found.pids_limit, found.restart, found.masked) == (None, None, ("no", 0), None)
    assert list(found.endpoints) == ["bridge"]


@pytest.mark.parametrize(
    ("config", "name", "expected"),
    [
        ({"Cmd": "ls"}, "command", ["ls"]),
        ({"Cmd": ["ls", "-l"]}, "command", ["ls", "-l"]),
        ({"Entrypoint": ["a", "b"]}, "entrypoint", ["a", "b"]),
        ({"Entrypoint": [""]}, "entrypoint", []),
        ({"Entrypoint": []}, "entrypoint", []),
        ({"Entrypoint": None}, "entrypoint", None),
        ({"Tty": True}, "tty", True),
        ({"OpenStdin": True}, "interactive", True),
        ({"AttachStdout": True}, "detach", False),
        ({"Env": ["A=b", "C"]}, "env", ["A=b", "C"]),
        ({"StopSignal": "SIGUSR1"}, "stop_signal", 10),
        ({"StopTimeout": 3}, "stop_timeout", 3),
        ({"Labels": {"a": "b"}}, "labels", {"a": "b"}),
        ({"Healthcheck": {"Test": ["CMD", "true"], "Interval": 10**9}}, "healthcheck", {"Test": ["CMD", "true"], "Interval": 10**9}),
        ({"ExposedPorts": {"80/tcp": {}}}, "expose", ["80/tcp"]),
        ({"NetworkDisabled": True}, "network", "none"),
    ],
)
def test_config(config: dict[str, Any], name: str, expected: object) -> None:
    assert getattr(made(**config), name) == expected


@pytest.mark.parametrize(
    ("host", "name", "expected"),
    [
        ({"Memory": 64 << 20}, "memory", 64 << 20),
        ({"Memory": 64 << 20, "MemorySwap": -1}, "memory_swap", -1),
        ({"NanoCpus": 500_000_000}, "cpus", 0.5),
        ({"CpuShares": 512}, "cpu_shares", 512),
        ({"CpusetCpus": "0"}, "cpuset_cpus", "0"),
        ({"PidsLimit": -1}, "pids_limit", -1),
        ({"MemorySwappiness": 0}, "memory_swappiness", 0),
        ({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}}, "restart", ("on-failure", 3)),
        ({"AutoRemove": True}, "remove", True),
        ({"Init": True}, "init", True),
        ({"Runtime": "runc"}, "runtime", None),
        ({"ReadonlyRootfs": True}, "read_only", True),
        ({"CapAdd": ["NET_ADMIN"]}, "cap_add", ("NET_ADMIN",)),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, "no_new_privileges", True),
        ({"MaskedPaths": [], "ReadonlyPaths": []}, "masked", []),
        ({"MaskedPaths": [], "ReadonlyPaths": []}, "read_only_paths", []),
        ({"MaskedPaths": ["/proc/kcore"]}, "masked", ["/proc/kcore"]),
        ({"MaskedPaths": ["/proc/kcore"]}, "read_only_paths", None),
        ({"SecurityOpt": ["systempaths=unconfined"]}, "read_only_paths", []),
        ({"ReadonlyPaths": ["/proc/sys"], "MaskedPaths": None}, "read_only_paths", ["/proc/sys"]),
        ({"Sysctls": {"net.core.somaxconn": "1"}}, "sysctl", [("net.core.somaxconn", "1")]),
        ({"ExtraHosts": ["a:1.2.3.4"]}, "add_host", ["a:1.2.3.4"]),
        ({"VolumesFrom": ["a:ro"]}, "volumes_from", [("a", False)]),
        ({"NetworkMode": "host"}, "network", "host"),
        ({"NetworkMode": "container:web"}, "network", "container:web"),
        ({"LogConfig": {"Type": "local", "Config": {"max-size": "1m"}}}, "log_opt", {"max-size": "1m"}),
        ({"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}]}, "ulimit", [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2}]),
    ],
)
def test_host_config(host: dict[str, Any], name: str, expected: object) -> None:
    assert getattr(of_host(**host), name) == expected


def test_a_device_request_that_names_no_capability_is_kept() -> None:
    """As compose sends it."""
    requests = [{"Driver": "cdi", "DeviceIDs": [], "Capabilities": [None]}]
    shown = made(HostConfig={"DeviceRequests": requests}).as_given["DeviceRequests"]
    assert shown == [{"Driver": "cdi", "Count": 0, "DeviceIDs": [], "Capabilities": [[]], "Options": None}]


def test_names_of_what_there_is_one_of_are_kept() -> None:
    found = of_host(Runtime="runc", Isolation="default", VolumeDriver="foo").as_given
    assert (found["RuntimeName"], found["Isolation"], found["VolumeDriver"]) == ("runc", "default", "foo")
    assert made(Runtime="runc").as_given["RuntimeName"] == "runc"  # as docker-py says it


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        ({"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}, {"ip": "", "first": 8080, "last": 8080, "container": 80, "protocol": "tcp"}),
        (
            {"53/udp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
            {"ip": "127.0.0.1", "first": 0, "last": 0, "container": 53, "protocol": "udp"},
        ),
        ({"80/tcp": [{"HostIp": "::1", "HostPort": "1"}]}, {"ip": "::1", "first": 1, "last": 1, "container": 80, "protocol": "tcp"}),
        ({"80/tcp": None}, {"ip": "", "first": 0, "last": 0, "container": 80, "protocol": "tcp"}),
    ],
)
def test_ports(bindings: dict[str, Any], expected: dict[str, Any]) -> None:
    assert of_host(PortBindings=bindings).publish == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"HostConfig": {"Binds": ["/a:/b:ro"]}}, {"type": "bind", "source": "/a", "destination": "/b", "rw": False, "create": True}),
        ({"HostConfig": {"Binds": ["v1:/b"]}}, {"type": "volume", "name": "v1", "destination": "/b"}),
        ({"Volumes": {"/d": {}}}, {"type": "volume", "anonymous": True, "destination": "/d"}),
        ({"HostConfig": {"Tmpfs": {"/t": "size=1m"}}}, {"type": "tmpfs", "destination": "/t", "options": ["size=1048576"]}),
        (
            {"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": True}]}},
            {"type": "bind", "source": "/a", "rw": False, "create": False},
        ),
        (
            {"HostConfig": {"Mounts": [{"Type": "volume", "Target": "/b", "VolumeOptions": {"NoCopy": True, "Labels": {"a": "b"}}}]}},
            {"type": "volume", "anonymous": True, "copy": False, "labels": {"a": "b"}},
        ),
        (
            {"HostConfig": {"Mounts": [{"Type": "tmpfs", "Target": "/b", "TmpfsOptions": {"SizeBytes": 4096, "Mode": 0o700}}]}},
            {"type": "tmpfs", "options": ["size=4096", "mode=700"]},
        ),
    ],
)
def test_mounts(given: dict[str, Any], expected: dict[str, Any]) -> None:
    (point,) = made(**given).mounts
    assert {key: point[key] for key in expected} == expected


def test_endpoints() -> None:
    found = made(
        HostConfig={"NetworkMode": "back"},
        NetworkingConfig={
            "EndpointsConfig": {
                "front": None,
                "back": {"Aliases": ["db", "db"], "IPAMConfig": {"IPv4Address": "172.30.0.9"}, "MacAddress": "02:42:ac:11:00:02"},
            }
        },
    )
    assert list(found.endpoints) == ["back", "front"]
    nothing = {"links": [], "gwPriority": 0}
    asked = {"DriverOpts": {"a": "b"}, "IPAMConfig": {"LinkLocalIPs": ["169.254.8.8"]}}
    more = made(NetworkingConfig={"EndpointsConfig": {"bridge": asked}}).endpoints["bridge"]
    assert (more["driverOptions"], more["linkLocal"]) == ({"a": "b"}, ["169.254.8.8"])
    assert found.endpoints["back"] == {"aliases": ["db"], "ip": "172.30.0.9", "ip6": "", "mac": "02:42:ac:11:00:02", **nothing}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"Image": ""}, "invalid Image"),
        ({"Cmd": [1]}, "invalid Cmd"),
        ({"Env": ["=x"]}, "invalid environment variable"),
        ({"Tty": "yes"}, "invalid Tty"),
        ({"Healthcheck": {"Test": ["FOO"]}}, "invalid Healthcheck test"),
        ({"Healthcheck": {"Interval": 5}}, "Interval in Healthcheck cannot be less than 1ms: 5 ns"),
        ({"Healthcheck": {"Timeout": -(10**9)}}, "Timeout in Healthcheck cannot be less than 1ms"),
        ({"Healthcheck": {"Retries": -1}}, "Retries in Healthcheck cannot be negative: -1"),
        ({"HostConfig": {"MaskedPaths": ["proc/kcore"]}}, "invalid path 'proc/kcore' in MaskedPaths"),
        ({"HostConfig": {"ReadonlyPaths": [7]}}, "invalid ReadonlyPaths"),
        ({"StopSignal": "NOPE"}, "NOPE"),
        ({"HostConfig": []}, "invalid HostConfig"),
        ({"HostConfig": {"Memory": "64m"}}, "invalid Memory"),
        ({"HostConfig": {"Memory": -1}}, "invalid Memory"),
        ({"HostConfig": {"Memory": 1}}, "too small"),
        ({"HostConfig": {"CpuShares": 300_000}}, "invalid CpuShares"),
        ({"HostConfig": {"Binds": ["./a:/b"]}}, "has to be absolute"),
        ({"HostConfig": {"Binds": ["/a:b"]}}, "absolute path"),
        ({"HostConfig": {"Mounts": [{"Type": "npipe", "Target": "/a"}]}}, "invalid mount config for type"),
        ({"HostConfig": {"Mounts": [{"Type": "bind", "Source": "a", "Target": "/a"}]}}, "must be absolute"),
        ({"HostConfig": {"PortBindings": {"x/tcp": []}}}, "invalid port"),
        ({"HostConfig": {"PortBindings": {"80/tcp": "8080"}}}, "invalid PortBindings"),
        ({"HostConfig": {"DeviceRequests": [{"Driver": "nvidia"}]}}, "invalid device request"),
        ({"HostConfig": {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": "a/b=c"}]}}, r"invalid DeviceRequests\[0\].DeviceIDs 'a/b=c'"),
        ({"HostConfig": {"DeviceRequests": [{"Capabilities": [["gpu", 1]]}]}}, r"invalid DeviceRequests\[0\].Capabilities\[0\]\[1\] 1"),
        ({"HostConfig": {"deviceRequests": [1]}}, r"invalid DeviceRequests\[0\] 1: expected an object"),
        ({"HostConfig": {"Tmpfs": True}}, "invalid Tmpfs"),
        ({"HostConfig": {"Devices": [{"PathOnHost": "/dev/null", "PathInContainer": 1}]}}, r"invalid Devices\[0\].PathInContainer 1"),
        ({"HostConfig": {"LogConfig": {"Type": "gelf"}}}, "no log driver named 'gelf'"),
        ({"HostConfig": {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 2}}}, "maximum retry count"),
        ({"HostConfig": {"NetworkMode": "host"}, "NetworkingConfig": {"EndpointsConfig": {"a": {}}}}, "conflicting options"),
        ({"HostConfig": {"CgroupnsMode": "x"}}, "invalid CgroupnsMode"),
        (
            {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"DriverOpts": {"com.docker.network.x": "b"}}}}},
            "unknown option 'com.docker.network.x=b'",
        ),
        (
            {"NetworkingConfig": {"EndpointsConfig": {"bridge": {"IPAMConfig": {"LinkLocalIPs": ["10.0.0.1"]}}}}},
            "link-local address '10.0.0.1'",
        ),
        ({"HostConfig": {"NetworkMode": "none", "Links": ["a:b"]}}, "--link and --network none exclude each other"),
        ({"HostConfig": {"NetworkMode": "back", "Links": [":a"]}}, "invalid link"),
        ({"HostConfig": {"AutoRemove": True, "RestartPolicy": {"Name": "always"}}}, "exclude each other"),
    ],
)
def test_what_is_wrong_is_named(config: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        made(**config)


def test_updates() -> None:
    found = limits.updated({"Memory": 64 << 20, "RestartPolicy": {"Name": "always"}, "CpuShares": 0}, (1, 41))
    assert (found.memory, found.restart, found.cpu_shares) == (64 << 20, ("always", 0), None)
    with pytest.raises(BadInput, match="ShmSize cannot be changed"):
        limits.updated({"ShmSize": 1}, (1, 41))
