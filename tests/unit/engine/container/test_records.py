"""A new container's record: docker's names for what the flags and the image said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.engine.catalog.images import Image
from mydocker.engine.container.new_record import record_of
from mydocker.engine.container.spec import Facts, make_spec

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Parse

ID = "0123456789ab" + "c" * 52
IMAGE: Any = {
    "Env": ["LANG=C"],
    "Entrypoint": ["/init"],
    "Cmd": ["serve"],
    "User": "www",
    "Labels": {"a": "1", "b": "2"},
    "StopSignal": "SIGQUIT",
}


def made(parsed: Parse, *words: str) -> dict[str, Any]:
    options = parsed(*words)
    image = object.__new__(Image)
    for name, value in (("id", "f" * 64), ("document", {"config": IMAGE}), ("chain_ids", ["chain"])):
        setattr(image, name, value)
    facts = Facts(id=ID, directory="/c", capabilities=[], seccomp=None, host_devices=[], mounts=options.mounts)
    record = record_of(options, image, make_spec(options, IMAGE, facts), facts, "box", "overlay", "2026-01-01T00:00:00Z")
    return json.loads(json.dumps(record))  # type: ignore[no-any-return]


def test_what_the_seed_had(parsed: Parse) -> None:
    record = made(parsed, "busybox", "now")
    assert {key: record[key] for key in ("id", "name", "status", "pid", "createTime", "command")} == {
        "id": ID,
        "name": "box",
        "status": "creating",
        "pid": 0,
        "createTime": "2026-01-01T00:00:00Z",
        "command": ["/init", "now"],
    }


@pytest.mark.parametrize(
    ("words", "field", "expected"),
    [
        ([], "Cmd", ["serve"]),
        ([], "Entrypoint", ["/init"]),
        (["--entrypoint", "sh"], "Entrypoint", ["sh"]),
        (["--entrypoint", "sh"], "Cmd", None),
        ([], "User", "www"),
        (["-u", "0"], "User", "0"),
        (["-l", "b=3"], "Labels", {"a": "1", "b": "3"}),
        ([], "StopSignal", "SIGQUIT"),
        (["--stop-signal", "SIGINT"], "StopSignal", "2"),
        (["-t"], "Tty", True),
        (["-h", "here"], "Hostname", "here"),
    ],
)
def test_config(parsed: Parse, words: list[str], field: str, expected: object) -> None:
    assert made(parsed, *words, "busybox")["config"][field] == expected


def test_an_entrypoint_that_is_reset(parsed: Parse) -> None:
    config = made(parsed, "--entrypoint", "", "busybox", "ls")["config"]
    assert (config["Entrypoint"], config["Cmd"]) == (None, ["ls"])


NOTHING_ASKED = {
    "NetworkMode": "bridge",
    "PortBindings": {},
    "PublishAllPorts": False,
    "Dns": [],
    "DnsSearch": [],
    "DnsOptions": [],
    "ExtraHosts": None,
    "PidMode": "",
    "IpcMode": "private",
    "UTSMode": "",
    "UsernsMode": "",
    "CgroupnsMode": "private",
    "Memory": 0,
    "MemorySwap": 0,
    "MemoryReservation": 0,
    "MemorySwappiness": None,
    "OomKillDisable": False,
    "OomScoreAdj": 0,
    "NanoCpus": 0,
    "CpuShares": 0,
    "CpuQuota": 0,
    "CpuPeriod": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Privileged": False,
    "ReadonlyRootfs": False,
    "CapAdd": None,
    "CapDrop": None,
    "GroupAdd": None,
    "SecurityOpt": None,
    "Sysctls": None,
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "LogConfig": {"Type": "json-file", "Config": {}},
    "Init": False,
    "Runtime": "",
    "CgroupParent": "",
    "CgroupPath": f"/mydocker/{ID}",
    "AutoRemove": False,
    "ContainerIDFile": "",
    "PidsLimit": None,
    "BlkioWeight": 0,
    "Ulimits": None,
    "ShmSize": 64 << 20,
    "ConsoleSize": [0, 0],
    "Devices": [],
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "BlkioWeightDevice": [],
    "BlkioDeviceReadBps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteIOps": None,
    "Tmpfs": None,
    "VolumesFrom": None,
    "Isolation": "",
    "VolumeDriver": "",
    "RuntimeName": "",
}
LIMITS = "-m 64m --memory-swap -1 --memory-reservation 32m --memory-swappiness 5 --oom-score-adj 7 --cpus 0.5 -c 2 --pids-limit 9"
FILES = "--read-only --shm-size 1m --volumes-from a:ro --volumes-from b --cidfile /nosuch/cid --cgroup-parent /p"
CONFINED = "--cap-add SYS_TIME --cap-drop ALL --group-add g --security-opt seccomp=unconfined --security-opt no-new-privileges"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {}),
        (
            LIMITS,
            {
                "Memory": 64 << 20,
                "MemorySwap": -1,
                "MemoryReservation": 32 << 20,
                "MemorySwappiness": 5,
                "OomScoreAdj": 7,
                "NanoCpus": 500_000_000,
                "CpuShares": 2,
                "PidsLimit": 9,
            },
        ),
        (
            FILES,
            {
                "ReadonlyRootfs": True,
                "ShmSize": 1 << 20,
                "VolumesFrom": ["a:ro", "b"],
                "ContainerIDFile": "/nosuch/cid",
                "CgroupParent": "/p",
                "CgroupPath": f"/p/{ID}",
            },
        ),
        (
            CONFINED,
            {"CapAdd": ["SYS_TIME"], "CapDrop": ["ALL"], "GroupAdd": ["g"], "SecurityOpt": ["seccomp=unconfined", "no-new-privileges"]},
        ),
        (
            "--ulimit nofile=1:-1 --ipc host --sysctl net.core.somaxconn=1",
            {
                "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": -1}],
                "IpcMode": "host",
                "ShmSize": 0,
                "Sysctls": {"net.core.somaxconn": "1"},
            },
        ),
        (
            "--device /dev/null --device /dev/null:/dev/x:r --device /dev/null:rw --tmpfs /t:size=1m,mode=700 --tmpfs /u",
            {
                "Devices": [
                    {"PathOnHost": "/dev/null", "PathInContainer": "/dev/null", "CgroupPermissions": "rwm"},
                    {"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"},
                    {"PathOnHost": "/dev/null", "PathInContainer": "/dev/null", "CgroupPermissions": "rw"},
                ],
                "Tmpfs": {"/t": "size=1m,mode=700", "/u": ""},
            },
        ),
    ],
)
def test_host_config(parsed: Parse, null_device: None, words: str, expected: dict[str, object]) -> None:
    found = made(parsed, *words.split(), "busybox")["hostConfig"]
    masked, read_only = found.pop("MaskedPaths"), found.pop("ReadonlyPaths")
    assert found == NOTHING_ASKED | expected
    assert "/proc/kcore" in masked
    assert "/proc/sys" in read_only
