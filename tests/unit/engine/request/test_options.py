"""What is wrong with a command line whatever the image: refused before anything happens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.cli.lean import Declined
from mydocker.engine.request import checks
from mydocker.errors import BadInput

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Parse

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


@pytest.fixture(autouse=True)
def two_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processors and memory nodes 0 and 1 are online, whatever there is here."""
    (tmp_path / "online").write_text("0-1\n")
    check = checks._check_online
    monkeypatch.setattr(checks, "_check_online", lambda what, asked, _: check(what, asked, f"{tmp_path}/online"))


def test_without_flags(parsed: Parse) -> None:
    options = parsed("busybox")
    assert (options.image, options.command, options.network, options.cgroupns) == ("busybox", [], "bridge", "private")
    assert (options.pid, options.ipc, options.uts, options.userns) == ("", "", "", "")
    assert (options.memory, options.cpus, options.mounts, options.env, options.labels) == (None, None, [], [], {})
    assert (options.detach_keys, options.sig_proxy, options.pull) == (b"\x10\x11", True, "missing")


def test_what_follows_the_image_is_the_containers(parsed: Parse) -> None:
    options = parsed("-i", "busybox", "sh", "-c", "a b", "", "--rm", "-t", "--", "é\n")
    assert (options.interactive, options.remove, options.tty) == (True, False, False)
    assert options.command == ["sh", "-c", "a b", "", "--rm", "-t", "--", "é\n"]


@pytest.mark.parametrize(
    ("words", "attribute", "expected"),
    [
        (["-m", "64m"], "memory", 64 << 20),
        (["-m", "0"], "memory", 0),
        (["-m", "64m", "--memory-swap", "-1"], "memory_swap", -1),
        (["--memory-swap", "-1"], "memory_swap", -1),
        (["--memory-swappiness", "-1"], "memory_swappiness", -1),
        (["--cpus", "0", "--cpu-quota", "5000"], "cpu_quota", 5000),
        (["--cpu-quota", "0"], "cpu_quota", 0),
        (["--cpu-period", "0"], "cpu_period", None),
        (["--blkio-weight", "0"], "blkio_weight", None),
        (["--cpuset-cpus", "0"], "cpuset_cpus", "0"),
        (["-cpuset", "0"], "cpuset_cpus", "0"),
        (["-cpushare=512"], "cpu_shares", 512),
        (["-net", "host"], "network", "host"),
        (["--stop-signal", "SIGINT"], "stop_signal", 2),
        (["-a", "STDOUT", "-a", "stdin"], "attach", ("stdout", "stdin")),
        (["--rm", "-d"], "remove", True),
        (["--sig-proxy=false"], "sig_proxy", False),
        (["--sig-proxy=true"], "sig_proxy", True),
        (["--rm=false"], "remove", False),
        (["--rm=true"], "remove", True),
        (["-d=1", "-i"], "detach", True),
        (["-d=0", "-i"], "detach", False),
        (["--volumes-from", "a:ro", "--volumes-from", "b"], "volumes_from", [("a", False), ("b", True)]),
        (["--security-opt", "seccomp=unconfined"], "seccomp", "unconfined"),
        (["--security-opt", "seccomp:/a"], "seccomp", "/a"),
        (["--security-opt", "no-new-privileges"], "no_new_privileges", True),
        (["--security-opt", "no-new-privileges:true"], "no_new_privileges", True),
        (["--security-opt", "no-new-privileges=false"], "no_new_privileges", False),
        (["--security-opt", "apparmor=x"], "apparmor", "x"),
        (["--security-opt", "systempaths=unconfined"], "masked", []),
        (["--sysctl", "net.ipv4.conf.eth0/1.forwarding=1"], "sysctl", [("net.ipv4.conf.eth0/1.forwarding", "1")]),
        (["--sysctl", "kernel.shmmax=1"], "sysctl", [("kernel.shmmax", "1")]),
        (["--network", "container:x"], "network", "container:x"),
        (["--userns", "0:100000:65536"], "userns", "0:100000:65536"),
        (["--platform", f"linux/{MACHINE}"], "platform", f"linux/{MACHINE}"),
        (["-h", "a.b-c"], "hostname", "a.b-c"),
    ],
)
def test_taken(parsed: Parse, words: list[str], attribute: str, expected: object) -> None:
    assert getattr(parsed(*words, "busybox"), attribute) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-m", "5m"], "memory limit of 5242880 bytes is too small: expected 6m or more"),
        (["--memory-reservation", "1m"], "memory reservation of 1048576 bytes is too small"),
        (["--memory-swap", "1g"], "--memory-swap needs a memory limit too (-m)"),
        (["-m", "64m", "--memory-swap", "32m"], "are less than the memory limit"),
        (["-m", "64m", "--memory-reservation", "65m"], "is above the memory limit"),
        (["--memory-swappiness", "101"], "invalid swappiness '101': expected -1 to 100"),
        (["--oom-score-adj", "1001"], "expected -1000 to 1000"),
        (["--cpus", "1", "--cpu-quota", "5000"], "--cpus excludes --cpu-quota and --cpu-period"),
        (["--cpus", "1", "--cpu-period", "5000"], "--cpus excludes --cpu-quota and --cpu-period"),
        (["--cpu-quota", "999"], "invalid cpu quota '999'"),
        (["--cpu-period", "999"], "expected 1000 to 1000000"),
        (["--cpuset-cpus", "0-99999999999"], "requested CPUs are not available"),
        (["--cpuset-mems", "4095"], "requested memory nodes are not available"),
        (["--blkio-weight", "9"], "expected 10 to 1000"),
        (["--pids-limit", "-2"], "invalid pids limit '-2'"),
        (["-d", "-a", "stdout"], "-d and -a exclude each other"),
        (["-a", "stdlog"], "invalid stream 'stdlog': expected stdin, stdout or stderr"),
        (["--name", "a/b"], "invalid name 'a/b'"),
        (["-w", "tmp"], "invalid working directory 'tmp': expected an absolute path"),
        (["-h", "x" * 65], "expected up to 64 characters without spaces"),
        (["-h", "a\n127.0.0.1 b"], "invalid hostname"),
        (["--domainname", "a b"], "invalid domainname 'a b'"),
        (["--platform", "linux/s390x"], f"platform 'linux/s390x' cannot run here: expected linux/{MACHINE}"),
        (["--network", "host", "--network", "mynet"], "none, host and container:NAME exclude others"),
        (["--network", "mynet", "--network", "mynet"], "each network once"),
        (
            ["--network", "name=mynet,colour=red"],
            "expected name=NAME and alias, ip, ip6, link-local-ip, mac-address, driver-opt or gw-priority",
        ),
        (["--network", "alias=x"], "it has no name=NAME"),
        (["--ip", "10.0.0.2"], "--ip needs a network of yours, and bridge is none"),
        (["--network-alias", "x", "--network", "none"], "--network-alias needs a network of yours"),
        (["--network", "mynet", "--ip", "fd00::1"], "invalid --ip 'fd00::1'"),
        (["--network", "mynet", "--ip6", "10.0.0.2"], "invalid --ip6 '10.0.0.2'"),
        (["--mac-address", "03:00:00:00:00:01"], "invalid MAC address '03:00:00:00:00:01'"),
        (["--mac-address", "02:42:ac"], "invalid MAC address"),
        (["--network", "container:x", "-p", "80"], "--network container:x excludes -p"),
        (["--network", "container:x", "--dns", "1.1.1.1"], "excludes --dns"),
        (["--dns", "dns.example"], "invalid --dns 'dns.example'"),
        (["--dns-search", "a b"], "invalid --dns-search 'a b'"),
        (["--add-host", "a"], "invalid --add-host 'a'"),
        (["--add-host", "a:b"], "invalid --add-host 'a:b'"),
        (["-p", "80/icmp"], "invalid protocol"),
        (["--pid", "container:"], "invalid --pid 'container:': expected host or container:NAME"),
        (["--uts", "private"], "invalid --uts 'private'"),
        (["--uts", "host", "-h", "x"], "--uts host excludes --hostname"),
        (["--network", "container:x", "-h", "x"], "--network container:x excludes --hostname"),
        (["--userns", "1:2"], "invalid user namespace '1:2'"),
        (["--userns", "auto", "--privileged"], "--privileged and --userns exclude each other"),
        (["--userns", "auto", "--pid", "host"], "--pid host and --userns auto exclude each other"),
        (["--userns", "auto", "--network", "host"], "--network host and --userns auto exclude each other"),
        (["--sysctl", "net.ipv4.ip_forward"], "invalid value 'net.ipv4.ip_forward': expected KEY=VALUE"),
        (["--sysctl", "kernel.core_pattern=x"], "sysctl 'kernel.core_pattern' belongs to no namespace"),
        (["--sysctl", "net.//.kernel.core_pattern=x"], "belongs to no namespace"),
        (["--sysctl", "fs.mqueue.//.//.kernel.core_pattern=x"], "belongs to no namespace"),
        (["--sysctl", "net..x=1"], "belongs to no namespace"),
        (["--network", "host", "--sysctl", "net.ipv4.ip_forward=1"], "would change the host's"),
        (["--ipc", "host", "--sysctl", "kernel.sem=1"], "would change the host's"),
        (["--security-opt", "seccomp"], "invalid security option 'seccomp'"),
        (["--security-opt", "label=type:x"], "invalid security option 'label=type:x'"),
        (["--volumes-from", "a:x"], "invalid volumes-from 'a:x': expected CONTAINER[:ro|rw]"),
        (["-v", "/a:/d", "--tmpfs", "/d"], "duplicate mount point '/d'"),
        (["--annotation", "=x"], "expected KEY=VALUE"),
    ],
)
def test_refused(parsed: Parse, words: list[str], expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        parsed(*words, "busybox")
    assert expected in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("words", [["--pull", "sometimes"], ["--cgroupns", "mine"], ["--nosuch"], ["--rm=maybe"], ["-m"]])
def test_not_understood(parsed: Parse, words: list[str]) -> None:
    with pytest.raises(Declined):
        parsed(*words)


def test_an_image_is_required(parsed: Parse) -> None:
    with pytest.raises(BadInput, match="an IMAGE is required"):
        parsed("--rm")


def test_the_last_limit_of_a_name_counts(parsed: Parse) -> None:
    options = parsed("--ulimit", "nofile=1", "--ulimit", "core=0", "--ulimit", "nofile=2", "busybox")
    assert [(limit["type"], limit["soft"]) for limit in options.ulimit] == [("RLIMIT_NOFILE", 2), ("RLIMIT_CORE", 0)]


def test_an_existing_cidfile_is_refused(parsed: Parse, tmp_path: Path) -> None:
    assert parsed("--cidfile", f"{tmp_path}/cid", "busybox").cidfile == f"{tmp_path}/cid"
    (tmp_path / "cid").touch()
    with pytest.raises(BadInput, match="exists already"):
        parsed("--cidfile", f"{tmp_path}/cid", "busybox")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"bridge": {}}),
        (["--network", "default"], {"bridge": {}}),
        (["--network", "none"], {}),
        (["--network", "container:x"], {}),
        (["--mac-address", "02:42:00:00:00:01"], {"bridge": {"mac": "02:42:00:00:00:01"}}),
        (
            ["--network", "name=a,link-local-ip=169.254.1.2,driver-opt=x=y,driver-opt=z=", "--link-local-ip", "fe80::9"],
            {"a": {"linkLocal": ["169.254.1.2", "fe80::9"], "driverOptions": {"x": "y", "z": ""}}},
        ),
        (
            ["--network", "a", "--network", "name=b,ip=10.0.0.9,alias=y", "--network-alias", "x", "--ip6", "fd00::9"],
            {"a": {"aliases": ["x"], "ip6": "fd00::9"}, "b": {"aliases": ["y"], "ip": "10.0.0.9"}},
        ),
    ],
)
def test_endpoints(parsed: Parse, words: list[str], expected: dict[str, dict[str, object]]) -> None:
    nothing = {"aliases": [], "ip": "", "ip6": "", "mac": ""}
    assert parsed(*words, "busybox").endpoints == {name: nothing | asked for name, asked in expected.items()}


def test_extra_hosts(parsed: Parse) -> None:
    words = ["--add-host", "a:1.2.3.4", "--add-host", "b=host-gateway", "--add-host", "c:[::1]", "--add-host", "d:::1"]
    assert parsed(*words, "busybox").add_host == ["a:1.2.3.4", "b:host-gateway", "c:::1", "d:::1"]
