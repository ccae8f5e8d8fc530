"""Each MUST of the runtime specification in config-linux.md: tests named after sections, asked of runc and crun too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime
from changes import (
    MAPPING,
    SHELL,
    both,
    created,
    linux,
    mapped,
    mount,
    namespace,
    refused,
)

# config-linux.md


def test_default_filesystems(any_runtime: Runtime) -> None:
    result = any_runtime.run("cut", "-d ", "-f2,3", "/proc/self/mounts")
    for line in ("/proc proc", "/sys sysfs", "/dev/pts devpts"):
        assert line in result.stdout.splitlines()


KINDS = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup"}


@pytest.mark.parametrize("kind", KINDS)
def test_namespaces_new_ones(any_runtime: Runtime, kind: str) -> None:
    own = os.readlink(f"/proc/self/ns/{KINDS[kind]}")
    assert any_runtime.run("readlink", f"/proc/self/ns/{KINDS[kind]}", change=namespace(kind)).stdout.strip() not in ("", own)


@pytest.mark.parametrize("kind", ["network", "ipc", "uts"])
def test_namespaces_that_are_not_named_are_inherited(any_runtime: Runtime, kind: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != kind]
        spec.pop("hostname")
        spec["mounts"] = [each for each in spec["mounts"] if each["type"] != "sysfs"]

    own = os.readlink(f"/proc/self/ns/{KINDS[kind]}")
    assert any_runtime.run("readlink", f"/proc/self/ns/{KINDS[kind]}", change=change).stdout.strip() == own


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts"])
def test_namespaces_by_path(any_runtime: Runtime, kind: str) -> None:
    pid = created(any_runtime)["pid"]
    path = f"/proc/{pid}/ns/{KINDS[kind]}"
    result = any_runtime.run("readlink", f"/proc/self/ns/{KINDS[kind]}", change=namespace(kind, path=path))
    assert result.stdout.strip() == os.readlink(path), result.stderr


@pytest.mark.parametrize("kind", ["user", "time", "cgroup"])
def test_namespaces_by_path_of_the_kinds_that_need_more(any_runtime: Runtime, kind: str) -> None:
    if kind == "time":
        any_runtime.leave_out("runc", "1.1 has no time namespaces")
        any_runtime.leave_out("crun", "1.8 ends without a word here")
    if kind == "user":
        any_runtime.leave_out("crun", "cannot mount proc here")
    first = mapped if kind == "user" else namespace(kind)
    pid = created(any_runtime, change=first)["pid"]
    path = f"/proc/{pid}/ns/{kind}"
    second = namespace(kind, path=path)
    if kind == "user":
        # /proc and /sys are those of the network and pid namespaces, which must belong to the same user namespace.
        second = both(second, linux(uidMappings=MAPPING, gidMappings=MAPPING))
        any_runtime.leave_out("runc", "1.1 wants no mappings here, and cannot do without")
    result = any_runtime.run("readlink", f"/proc/self/ns/{kind}", change=second)
    assert result.stdout.strip() == os.readlink(path), result.stderr


def test_process_in_a_container_without_proc(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 needs its /proc/self/fd")

    def change(spec: dict[str, Any]) -> None:
        spec["mounts"] = [each for each in spec["mounts"] if each["destination"] != "/proc"]
        spec["linux"].update(maskedPaths=[], readonlyPaths=[])

    assert any_runtime.run("echo", "here", change=change).stdout == "here\n"


def test_namespaces_path_of_another_type_is_an_error(any_runtime: Runtime) -> None:
    refused(any_runtime, namespace("network", path="/proc/self/ns/uts"))


@pytest.mark.parametrize("path", ["proc/self/ns/net", "/no/such/namespace"])
def test_namespaces_path_must_be_absolute_and_exist(any_runtime: Runtime, path: str) -> None:
    refused(any_runtime, namespace("network", path=path))


def test_namespaces_twice_of_a_type_are_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "takes the last")
    refused(any_runtime, lambda spec: spec["linux"]["namespaces"].append({"type": "pid"}))


def test_user_namespace_mappings(any_runtime: Runtime) -> None:
    result = any_runtime.run("cat", "/proc/self/uid_map", "/proc/self/gid_map", change=mapped)
    assert result.stdout.split() == ["0", "100000", "1000"] * 2, result.stderr


def test_user_namespace_reaches_what_only_the_hosts_root_reaches(any_runtime: Runtime, tmp_path: Path) -> None:
    """The source of a bind, and of what a runtime consists: limits and scheduling are set inside, Python's modules for it lie outside."""
    any_runtime.leave_out("runc", "1.1 finds the source when it is too late")
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed/data").write_text("reached\n")
    process = {"rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]}
    bind = mount("/tmp/data", "bind", kind="bind", source=str(tmp_path / "closed/data"))
    change = both(mapped, bind, lambda spec: spec["process"].update(process))
    assert any_runtime.run("cat", "/tmp/data", change=change).stdout == "reached\n"


def test_time_namespace_offsets(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 has no time namespaces")
    any_runtime.leave_out("crun", "1.8 ends without a word here")
    change = both(namespace("time"), linux(timeOffsets={"boottime": {"secs": 1000000, "nanosecs": 0}}))
    own = float(Path("/proc/uptime").read_text().split()[0])
    inside = float(any_runtime.run("cat", "/proc/uptime", change=change).stdout.split()[0])
    assert 999000 < inside - own < 1001000


def test_devices_of_ones_own_with_mode_and_owner(any_runtime: Runtime) -> None:
    devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 5, "gid": 6}]
    devices.append({"path": "/dev/pipe", "type": "p", "fileMode": 0o600})
    result = any_runtime.run("stat", "-c", "%a %u %g %t %T %F", "/dev/mine", "/dev/pipe", change=linux(devices=devices))
    assert result.stdout.splitlines() == ["640 5 6 1 3 character special file", "600 0 0 0 0 fifo"]


def test_devices_in_a_user_namespace_with_mode_and_owner(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "binds what the host has at that path")
    any_runtime.leave_out("crun", "binds what the host has at that path, unless all ids are mapped to themselves")
    mapped = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    devices = [
        {"path": "/dev/ours", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 10, "gid": 11},
        {"path": "/dev/below/block", "type": "b", "major": 7, "minor": 3, "fileMode": 0o600},
    ]
    rules = [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "r"}]
    change = both(namespace("user"), linux(uidMappings=mapped, gidMappings=mapped, devices=devices, resources={"devices": rules}))
    command = "stat -c '%n %F %t:%T %a %u:%g' /dev/ours /dev/below/block; head -c 3 /dev/ours | wc -c; id -u"
    result = any_runtime.run(*SHELL, command, change=change)
    assert result.stdout.splitlines() == [
        "/dev/ours character special file 1:5 640 10:11",
        "/dev/below/block block special file 7:3 600 0:0",
        "3",
        "0",
    ], result.stderr


def test_devices_in_a_user_namespace_with_an_owner_that_is_not_mapped_are_the_hosts(any_runtime: Runtime) -> None:
    mapped = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    devices = [{"path": "/dev/full", "type": "c", "major": 1, "minor": 7, "uid": 1000, "gid": 1000}]
    change = both(namespace("user"), linux(uidMappings=mapped, gidMappings=mapped, devices=devices))
    result = any_runtime.run("stat", "-c", "%t:%T %u:%g", "/dev/full", change=change)
    assert result.stdout == "1:7 65534:65534\n", result.stderr


def test_devices_another_file_at_the_path_is_an_error(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("runc", "1.1 takes whatever is there")
    any_runtime.leave_out("crun", "1.8 takes whatever is there")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/mine").touch()
    there = mount("/tmp/dev", "bind", kind="bind", source=str(tmp_path / "dev"))
    devices = [{"path": "/tmp/dev/mine", "type": "c", "major": 1, "minor": 3}]
    assert "there is another file already" in refused(any_runtime, both(there, linux(devices=devices)))


def test_default_devices_without_a_mount_on_dev(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.machine.sh(
        f"mkdir {tmp_path}/root && cp -a {any_runtime.rootfs}/bin {tmp_path}/root && mkdir {tmp_path}/root/proc {tmp_path}/root/dev"
    )

    def change(spec: dict[str, Any]) -> None:
        spec["mounts"] = [each for each in spec["mounts"] if each["destination"] == "/proc"]
        spec["root"] = {"path": str(tmp_path / "root")}

    result = any_runtime.run("stat", "-c", "%t:%T", "/dev/null", change=change)
    assert result.stdout == "1:3\n", result.stderr


def test_default_devices(any_runtime: Runtime) -> None:
    names = "null zero full random urandom tty"
    result = any_runtime.run(*SHELL, f"cd /dev; stat -c '%n %t:%T' {names}; for link in fd stdin stdout stderr; do readlink $link; done")
    assert result.stdout.splitlines()[:6] == ["null 1:3", "zero 1:5", "full 1:7", "random 1:8", "urandom 1:9", "tty 5:0"]
    assert result.stdout.splitlines()[6:] == ["/proc/self/fd", *(f"/proc/self/fd/{number}" for number in range(3))]


def test_network_devices_are_moved_renamed_and_set_up(any_runtime: Runtime) -> None:
    for name in ("runc", "crun"):
        any_runtime.leave_out(name, "older than the specification's version 1.3")
    sh = any_runtime.machine.sh
    assert sh("ip link add md-d0 type veth peer name md-d1 && ip address add 10.99.0.5/24 dev md-d0 && ip link set md-d0 mtu 1400").rc == 0
    try:
        change = linux(netDevices={"md-d0": {"name": "inside0"}})
        pid = created(any_runtime, change=change)["pid"]
        assert sh("ip link show md-d0").rc != 0
        shown = sh(f"nsenter --target {pid} --net ip address show inside0").stdout
        assert "10.99.0.5/24" in shown and "mtu 1400" in shown and ",UP" in shown
        assert any_runtime("delete", "--force", "one").rc == 0
    finally:
        sh("ip link delete md-d0 2>/dev/null; true")


def test_network_devices_of_a_create_that_fails_come_back(any_runtime: Runtime) -> None:
    for name in ("runc", "crun"):
        any_runtime.leave_out(name, "older than the specification's version 1.3")
    sh = any_runtime.machine.sh
    assert sh("ip link add md-d0 type veth peer name md-d1").rc == 0
    try:
        hooks = {"createRuntime": [{"path": "/bin/false"}]}
        refused(any_runtime, both(linux(netDevices={"md-d0": {"name": "inside0"}}), lambda spec: spec.update(hooks=hooks)))
        assert sh("ip link show md-d0").rc == 0
        assert "'no-such'" in refused(any_runtime, linux(netDevices={"no-such": {}}))
    finally:
        sh("ip link delete md-d0")


def test_intel_rdt_without_resctrl_is_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "1.8 ignores it")
    refused(any_runtime, linux(intelRdt={"closID": "x", "l3CacheSchema": "L3:0=f"}))


def test_memory_policy(any_runtime: Runtime) -> None:
    for name in ("runc", "crun"):
        any_runtime.leave_out(name, "older than the specification's version 1.3")
    change = linux(memoryPolicy={"mode": "MPOL_INTERLEAVE", "nodes": "0"})
    result = any_runtime.run(*SHELL, "head -1 /proc/self/numa_maps", change=change)
    if "No such file" in result.stderr:
        pytest.skip("this kernel has no NUMA")
    assert "interleave:0" in result.stdout
    assert "MPOL_MOON" in refused(any_runtime, linux(memoryPolicy={"mode": "MPOL_MOON"}))


def test_sysctl(any_runtime: Runtime) -> None:
    result = any_runtime.run("cat", "/proc/sys/net/core/somaxconn", change=linux(sysctl={"net.core.somaxconn": "99"}))
    assert result.stdout.strip() == "99"


def test_sysctl_of_the_whole_machine_is_an_error(any_runtime: Runtime) -> None:
    refused(any_runtime, linux(sysctl={"kernel.panic": "1"}))


@pytest.mark.parametrize("word", ["shared", "slave", "private", "unbindable"])
def test_rootfs_mount_propagation(any_runtime: Runtime, word: str) -> None:
    if word in ("shared", "unbindable"):
        any_runtime.leave_out("runc", "1.1 keeps it private, and cannot bind what is unbindable")
    result = any_runtime.run("cat", "/proc/self/mountinfo", change=linux(rootfsPropagation=word))
    optional = next(line for line in result.stdout.splitlines() if line.split()[4] == "/").partition(" - ")[0]
    assert ("shared:" in optional, "unbindable" in optional) == (word == "shared", word == "unbindable")


def test_masked_paths(any_runtime: Runtime) -> None:
    result = any_runtime.run(*SHELL, "wc -c < /proc/keys; ls /sys/firmware", change=linux(maskedPaths=["/proc/keys", "/sys/firmware"]))
    assert result.stdout.split() == ["0"]


@pytest.mark.parametrize("key", ["maskedPaths", "readonlyPaths"])
def test_masked_and_readonly_paths_must_be_absolute(any_runtime: Runtime, key: str) -> None:
    any_runtime.leave_out("runc", "takes relative ones")
    any_runtime.leave_out("crun", "takes relative ones")
    refused(any_runtime, linux(**{key: ["proc/sys"]}))


def test_readonly_paths(any_runtime: Runtime) -> None:
    result = any_runtime.run(*SHELL, "echo x > /proc/sys/kernel/hostname", change=linux(readonlyPaths=["/proc/sys"]))
    assert "ead-only" in result.stderr


def test_personality(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 does not know it")
    assert any_runtime.run("uname", "-m", change=linux(personality={"domain": "LINUX32"})).stdout.strip() == "i686"
