"""What a process in a container may not do, and what the flags give back."""

import pytest

DEFAULT_CAPABILITIES = 0x00000000A80425FB  # docker's 14


def status(mydocker, *flags, field):
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
def test_capabilities(mydocker, flags, field, mask):
    assert int(status(mydocker, *flags, field=field), 16) == mask


@pytest.mark.parametrize(
    ("flags", "expected"),
    [([], "2"), (["--security-opt", "seccomp=unconfined"], "0"), (["--privileged"], "0"), (["--security-opt", "no-new-privileges"], "2")],
)
def test_seccomp_is_on_unless_told_otherwise(mydocker, flags, expected):
    assert status(mydocker, *flags, field="Seccomp") == expected


@pytest.mark.parametrize(("flags", "expected"), [([], "0"), (["--security-opt", "no-new-privileges"], "1")])
def test_no_new_privileges(mydocker, flags, expected):
    assert status(mydocker, *flags, field="NoNewPrivs") == expected


def test_a_seccomp_profile_from_a_file(mydocker):
    rule = '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}'
    mydocker.sh('cat > profile.json <<\'END\'\n{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [' + rule + "]}\nEND")
    result = mydocker("run", "--rm", "--security-opt", "seccomp=profile.json", "busybox", "sh", "-c", "mkdir /x; touch /y && echo made")
    assert "Operation not permitted" in result.stderr
    assert result.stdout == "made\n"


@pytest.mark.parametrize("command", ["mount -t tmpfs t /mnt", "unshare -U true", "hostname x", "mknod /x b 8 0 && cat /x", "dmesg"])
def test_default_confinement_refuses(mydocker, command):
    result = mydocker("run", "--rm", "busybox", "sh", "-c", f"mkdir -p /mnt; {command}")
    assert result.rc != 0
    assert "not permitted" in result.stderr or "denied" in result.stderr, result.stderr


def test_device_nodes_outside_the_list_cannot_be_opened(mydocker):
    result = mydocker("run", "--rm", "busybox", "sh", "-c", "mknod /kmsg c 1 11; cat /kmsg; mknod /zero c 1 5 && head -c 1 /zero | wc -c")
    assert "Operation not permitted" in result.stderr
    assert result.stdout.split() == ["1"]


def test_a_device_cgroup_rule_opens_one(mydocker):
    # A node that no driver serves: what the kernel says of it shows whether the device controller let it through.
    command = ("busybox", "sh", "-c", "mknod /node c 254 77; cat /node")
    assert "Operation not permitted" in mydocker("run", "--rm", *command).stderr
    assert "Operation not permitted" not in mydocker("run", "--rm", "--device-cgroup-rule", "c 254:* r", *command).stderr


def test_privileged_gives_back_what_was_taken(mydocker):
    script = "mkdir -p /mnt; mount -t tmpfs t /mnt && echo mounted; ls /dev | wc -l; touch /proc/sys/kernel/domainname && echo writable"
    lines = mydocker("run", "--rm", "--privileged", "busybox", "sh", "-c", script).stdout.split()
    assert lines[0] == "mounted"
    assert int(lines[1]) > 15
    assert lines[2] == "writable"


class TestAttacks:
    """field-notes B: each fails when its defence is taken out."""

    def test_cve_2019_5736_the_interpreter_cannot_be_overwritten(self, mydocker):
        """pid 1 waits in the container while another process tries to write through its /proc/PID/exe."""
        script = "for p in /proc/[0-9]*; do ( : 3>>$p/exe ) 2>/dev/null && echo $p writable; done; readlink /proc/self/exe"
        result = mydocker(
            "run", "--rm", "--privileged", "--pid", "host", "busybox", "sh", "-c", "true; " + script.replace("/proc/[0-9]*", "$PPID")
        )
        assert "writable" not in result.stdout

    @pytest.mark.parametrize("fd", range(3, 12))
    def test_cve_2024_21626_no_descriptor_leads_out(self, mydocker, fd):
        result = mydocker("run", "--rm", "-w", f"/proc/self/fd/{fd}", "busybox", "ls", "-d", "../../../work")
        assert result.rc != 0
        assert "work" not in result.stdout

    def test_cve_2016_9962_the_entering_process_cannot_be_traced(self, mydocker):
        """A container watches another start in its own pid namespace: it never gets at what that process still holds."""
        mydocker(
            "run",
            "-d",
            "--name",
            "spy",
            "busybox",
            "sh",
            "-c",
            "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || ls $p/root/etc/debian_version 2>/dev/null >> /caught; done; done",
        )
        for _ in range(5):
            mydocker("run", "--rm", "--pid", "container:spy", "busybox", "true")
        pid = mydocker.pid("spy")
        assert mydocker.sh(f"cat /proc/{pid}/root/caught 2>/dev/null").stdout == ""
        mydocker("rm", "-f", "spy")

    @pytest.mark.parametrize("target", ["/link/x", "/link2", "/a/../../../../x"])
    def test_cve_2021_30465_mounts_stay_inside(self, mydocker, target):
        """A volume holds symlinks to outside; a second mount goes through them."""
        mydocker.sh("mkdir -p evil outside; ln -sfn {directory}/outside evil/link; ln -sfn /proc evil/link2; echo data > secret")
        outside = mydocker.directory + "/outside"
        mydocker("run", "--rm", "-v", mydocker.directory + "/evil:/v", "-v", f"{mydocker.directory}/secret:/v{target}", "busybox", "true")
        assert mydocker.sh(f"ls {outside}").stdout == ""

    def test_cve_2019_16884_nothing_is_mounted_inside_proc(self, mydocker):
        for target in ("/proc/self/attr", "/proc/x", "/proc"):
            result = mydocker("run", "--rm", "--tmpfs", target, "busybox", "true")
            assert result.rc == 125
            assert target in result.stderr

    def test_cve_2025_31133_a_masked_path_is_not_a_symlinks_target(self, mydocker):
        """The image's /dev/null is a symlink to something worth reading; what masks is still the null device."""
        assert mydocker("run", "--rm", "busybox", "sh", "-c", "cat /proc/kcore | wc -c; ls -l /dev/null | cut -c1").stdout.split() == [
            "0",
            "c",
        ]

    def test_cve_2022_0492_no_release_agent(self, mydocker):
        mounts = ("mount -t cgroup -o memory c /tmp/c", "mount -t cgroup2 c /tmp/c", "unshare -UrmC mount -t cgroup -o memory c /tmp/c")
        script = "; ".join(["mkdir /tmp/c", *mounts, "ls /tmp/c"])
        result = mydocker("run", "--rm", "busybox", "sh", "-c", script)
        assert result.stdout == ""
        assert (
            mydocker("run", "--rm", "busybox", "sh", "-c", "for f in /sys/fs/cgroup/*/release_agent; do [ -w $f ] && echo $f; done").stdout
            == ""
        )

    def test_cve_2022_29162_inheritable_capabilities_are_empty(self, mydocker):
        for flags in ([], ["--privileged"], ["--cap-add", "ALL"]):
            assert int(status(mydocker, *flags, field="CapInh"), 16) == 0

    def test_cve_2020_15257_no_abstract_socket_listens(self, mydocker):
        mydocker("run", "-d", "--name", "up", "--network", "host", "busybox", "sleep", "60")
        assert "mydocker" not in mydocker.sh("cat /proc/net/unix").stdout
        mydocker("rm", "-f", "up")
