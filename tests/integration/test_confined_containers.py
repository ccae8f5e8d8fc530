"""What a process in a container may not do, and what the flags give back."""

import pytest
from conftest import Machine

DEFAULT_CAPABILITIES = 0x00000000A80425FB  # docker's 14


def status(mydocker: Machine, *flags: str, field: str) -> str:
    out = mydocker("run", "--rm", *flags, "busybox", "cat", "/proc/self/status")
    for line in out.stdout.splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
    pytest.fail(f"no {field}: {out.stderr}")


@pytest.mark.parametrize(
    ("flags", "field", "mask"),
    [
        ([], "CapEff", DEFAULT_CAPABILITIES),
        ([], "CapPrm", DEFAULT_CAPABILITIES),
        ([], "CapBnd", DEFAULT_CAPABILITIES),
        ([], "CapInh", 0),
        ([], "CapAmb", 0),
        (["--cap-drop", "ALL"], "CapBnd", 0),
        (["--cap-drop", "all", "--cap-add", "CHOWN"], "CapEff", 1),
        (["--cap-add", "cap_sys_admin"], "CapBnd", DEFAULT_CAPABILITIES | 1 << 21),
        (["-u", "65534"], "CapEff", 0),
        (["-u", "65534"], "CapBnd", DEFAULT_CAPABILITIES),
    ],
)
def test_capabilities(mydocker: Machine, flags: list[str], field: str, mask: int) -> None:
    assert int(status(mydocker, *flags, field=field), 16) == mask


@pytest.mark.parametrize(
    ("flags", "expected"),
    [([], "2"), (["--security-opt", "seccomp=unconfined"], "0"), (["--privileged"], "0"), (["--security-opt", "no-new-privileges"], "2")],
)
def test_seccomp_is_on_unless_told_otherwise(mydocker: Machine, flags: list[str], expected: str) -> None:
    assert status(mydocker, *flags, field="Seccomp") == expected


@pytest.mark.parametrize(("flags", "expected"), [([], "0"), (["--security-opt", "no-new-privileges"], "1")])
def test_no_new_privileges(mydocker: Machine, flags: list[str], expected: str) -> None:
    assert status(mydocker, *flags, field="NoNewPrivs") == expected


def test_a_seccomp_profile_from_a_file(mydocker: Machine) -> None:
    rule = '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}'
    mydocker.sh('cat > profile.json <<\'END\'\n{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [' + rule + "]}\nEND")
    result = mydocker("run", "--rm", "--security-opt", "seccomp=profile.json", "busybox", "sh", "-c", "mkdir /x; touch /y && echo made")
    assert "Operation not permitted" in result.stderr
    assert result.stdout == "made\n"


@pytest.mark.parametrize("command", ["mount -t tmpfs t /mnt", "unshare -U true", "hostname x", "mknod /x b 8 0 && cat /x", "dmesg"])
def test_default_confinement_refuses(mydocker: Machine, command: str) -> None:
    result = mydocker("run", "--rm", "busybox", "sh", "-c", f"mkdir -p /mnt; {command}")
    assert result.rc != 0
    assert "not permitted" in result.stderr or "denied" in result.stderr, result.stderr


@pytest.mark.kernel
def test_device_nodes_outside_the_list_cannot_be_opened(mydocker: Machine) -> None:
    result = mydocker("run", "--rm", "busybox", "sh", "-c", "mknod /kmsg c 1 11; cat /kmsg; mknod /zero c 1 5 && head -c 1 /zero | wc -c")
    assert "Operation not permitted" in result.stderr
    assert result.stdout.split() == ["1"]


@pytest.mark.kernel
def test_a_device_cgroup_rule_opens_one(mydocker: Machine) -> None:
    # A node that no driver serves: what the kernel says of it shows whether the device controller let it through.
    command = ("busybox", "sh", "-c", "mknod /node c 254 77; cat /node")
    assert "Operation not permitted" in mydocker("run", "--rm", *command).stderr
    assert "Operation not permitted" not in mydocker("run", "--rm", "--device-cgroup-rule", "c 254:* r", *command).stderr


def test_privileged_gives_back_what_was_taken(mydocker: Machine) -> None:
    script = "mkdir -p /mnt; mount -t tmpfs t /mnt && echo mounted; ls /dev | wc -l; touch /proc/sys/kernel/domainname && echo writable"
    lines = mydocker("run", "--rm", "--privileged", "busybox", "sh", "-c", script).stdout.split()
    assert lines[0] == "mounted"
    assert int(lines[1]) > 15
    assert lines[2] == "writable"
