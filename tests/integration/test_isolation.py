"""Namespaces, mounts and devices: what a container sees, and what of the host it does not."""

import re

import pytest
from conftest import Machine

KINDS = ("mnt", "uts", "ipc", "pid", "net", "cgroup")


@pytest.mark.kernel
def test_every_namespace_is_new(mydocker: Machine) -> None:
    inside = mydocker("run", "--rm", "busybox", "sh", "-c", "; ".join(f"readlink /proc/self/ns/{k}" for k in KINDS))
    outside = mydocker.sh("readlink " + " ".join(f"/proc/self/ns/{k}" for k in KINDS))
    assert len(inside.stdout.split()) == len(KINDS)
    assert not set(inside.stdout.split()) & set(outside.stdout.split())


@pytest.mark.parametrize(
    ("flag", "kind"), [("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"), ("--network", "net"), ("--cgroupns", "cgroup")]
)
def test_a_namespace_can_be_the_hosts(mydocker: Machine, flag: str, kind: str) -> None:
    inside = mydocker("run", "--rm", flag, "host", "busybox", "readlink", f"/proc/self/ns/{kind}")
    assert inside.stdout == mydocker.sh(f"readlink /proc/self/ns/{kind}").stdout


@pytest.mark.parametrize(("flag", "kind"), [("--pid", "pid"), ("--ipc", "ipc"), ("--network", "net")])
def test_a_namespace_can_be_another_containers(mydocker: Machine, flag: str, kind: str) -> None:
    ipc = ["--ipc", "shareable"] if kind == "ipc" else []
    mydocker("run", "-d", "--name", "first", *ipc, "busybox", "sleep", "60")
    pid = mydocker.pid("first")
    joined = mydocker("run", "--rm", flag, "container:first", "busybox", "readlink", f"/proc/self/ns/{kind}")
    assert joined.stdout == mydocker.sh(f"readlink /proc/{pid}/ns/{kind}").stdout
    assert mydocker("rm", "-f", "first").rc == 0


def test_shared_memory_goes_with_the_ipc_namespace(mydocker: Machine) -> None:
    """POSIX shared memory is a file in /dev/shm, which is a mount, not a part of the ipc namespace."""
    mydocker("run", "-d", "--name", "first", "--ipc", "shareable", "--shm-size", "8m", "busybox", "sleep", "60")
    mydocker(
        "create",
        "--name",
        "second",
        "--ipc",
        "container:first",
        "busybox",
        "sh",
        "-c",
        "grep ' /dev/shm ' /proc/mounts; echo $$ >> /dev/shm/x",
    )
    for _ in range(2):
        assert "size=8192k" in mydocker("start", "-a", "second").stdout
    assert mydocker.sh(f"cat /proc/{mydocker.pid('first')}/root/dev/shm/x").stdout == "1\n1\n"
    mydocker("rm", "-f", "first", "second")


def test_a_container_that_does_not_run_has_no_namespace_to_share(mydocker: Machine) -> None:
    mydocker("create", "--name", "first", "busybox", "true")
    result = mydocker("run", "--rm", "--pid", "container:first", "busybox", "true")
    assert result.rc == 125
    assert "first" in result.stderr
    mydocker("rm", "first")


@pytest.mark.parametrize("flag", ["--pid", "--ipc", "--uts", "--network"])
def test_the_other_container_ends_while_its_namespace_is_joined(mydocker: Machine, flag: str) -> None:
    """Its pid may be another process's then: nothing is started in that one's namespace, and the reason is said."""
    mydocker("run", "-d", "--name", "first", "--ipc", "shareable", "busybox", "sleep", "60")
    result = mydocker.sh(
        f"""
        export MYDOCKER_DELAY=send:ISOLATED:1
        {{mydocker}} run --rm {flag} container:first busybox echo started &
        until [ $(ls state | grep -c -E '^[0-9a-f]{{64}}$') = 2 ]; do sleep 0.01; done
        {{mydocker}} rm -f first > removed
        wait $!"""
    )
    words = "(no such container: first|cannot join the .* namespace of container first: it (ended meanwhile|is not running))"
    assert (result.rc, result.stdout) == (125, "")
    assert re.match(f"mydocker: {words}\n", result.stderr), result.stderr


def test_a_container_that_is_restarted_joins_the_namespace_that_there_is_now(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "first", "busybox", "sleep", "60")
    program = "readlink /proc/self/ns/net; exec sleep 60"
    mydocker("run", "-d", "--name", "second", "--restart", "always", "--network", "container:first", "busybox", "sh", "-c", program)
    mydocker("restart", "-t", "0", "first")
    mydocker.sh(f"kill -9 {mydocker.pid('second')}")
    mydocker.wait_until(lambda: len(mydocker("logs", "second").stdout.splitlines()) == 2)
    now = mydocker.sh(f"readlink /proc/{mydocker.pid('first')}/ns/net").stdout
    assert mydocker("logs", "second").stdout.splitlines()[1] == now.strip()
    mydocker("rm", "-f", "first", "second")


def test_the_program_is_pid_1_and_alone(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "busybox", "sh", "-c", "echo $$; ls -d /proc/[0-9]*").stdout.split() == ["1", "/proc/1"]


def test_nothing_of_the_hosts_tree_is_mounted(mydocker: Machine) -> None:
    mounts = mydocker("run", "--rm", "busybox", "cat", "/proc/self/mountinfo").stdout.splitlines()
    sources = {line.split(" - ")[1].split()[0] for line in mounts}
    assert sources <= {"overlay", "aufs", "proc", "tmpfs", "devpts", "sysfs", "mqueue", "cgroup", "cgroup2", "ext4", "xfs", "btrfs"}
    assert not any(" shared:" in line for line in mounts)


@pytest.mark.kernel
def test_nothing_shows_on_the_host(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "here", "busybox", "sleep", "60")
    assert mydocker.directory not in mydocker.sh("cat /proc/self/mounts").stdout
    mydocker("rm", "-f", "here")


def test_dev_has_exactly_dockers_nodes(mydocker: Machine) -> None:
    names = mydocker("run", "--rm", "busybox", "ls", "/dev").stdout.split()
    assert names == [
        "core",
        "fd",
        "full",
        "mqueue",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "urandom",
        "zero",
    ]


@pytest.mark.parametrize(
    ("path", "fstype", "options"),
    [
        ("/proc", "proc", {"rw", "nosuid", "nodev", "noexec"}),
        ("/dev", "tmpfs", {"rw", "nosuid"}),
        ("/dev/pts", "devpts", {"rw", "nosuid", "noexec"}),
        ("/sys", "sysfs", {"ro", "nosuid", "nodev", "noexec"}),
        ("/dev/mqueue", "mqueue", {"rw", "nosuid", "nodev", "noexec"}),
        ("/dev/shm", "tmpfs", {"rw", "nosuid", "nodev", "noexec"}),
        ("/proc/sys", "proc", {"ro"}),
    ],
)
def test_kernel_file_systems_are_mounted_as_dockers(mydocker: Machine, path: str, fstype: str, options: set[str]) -> None:
    for line in mydocker("run", "--rm", "busybox", "cat", "/proc/self/mounts").stdout.splitlines():
        _, target, found, words, *_ = line.split()
        if target == path:
            assert found == fstype
            assert options <= set(words.split(","))
            return
    pytest.fail(f"{path} is not mounted")


@pytest.mark.kernel
def test_cgroups_show_the_containers_own_and_are_read_only(mydocker: Machine) -> None:
    result = mydocker(
        "run", "--rm", "busybox", "sh", "-c", "cat /proc/self/cgroup; find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs | head -1"
    )
    *paths, procs = result.stdout.split()
    assert {path.split(":")[2] for path in paths} == {"/"}
    assert procs.startswith("/sys/fs/cgroup/")
    assert mydocker("run", "--rm", "busybox", "sh", "-c", f"echo 1 > {procs}").rc != 0


@pytest.mark.kernel
def test_masked_paths_are_empty_and_proc_sys_is_read_only(mydocker: Machine) -> None:
    script = (
        "cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /sys/firmware | wc -l; echo x > /proc/sys/kernel/domainname"
    )
    result = mydocker("run", "--rm", "busybox", "sh", "-c", script)
    assert result.stdout.split() == ["0", "0"]
    assert "Read-only file system" in result.stderr


def test_nothing_of_the_callers_process_leaks_in(mydocker: Machine) -> None:
    inside = "env; umask; ls /proc/self/fd | wc -w"
    mydocker.sh("cat > caller <<'END'\ntrap '' PIPE HUP\nexec 7</etc/passwd 9>/dev/null\numask 0\n\"$@\"\nEND")
    lines = mydocker.sh("SECRET=1 sh caller {mydocker} run --rm -e A=1 busybox sh -c " + mydocker.quote(inside)).stdout.splitlines()
    variables = {line.split("=")[0] for line in lines if "=" in line}
    assert variables == {"A", "PATH", "HOME", "HOSTNAME", "PWD", "SHLVL"}
    # Standard streams, and the directory that ls itself reads.
    assert lines[-2:] == ["0022", "4"]
    status = mydocker.sh("sh caller {mydocker} run --rm busybox grep -E '^Sig(Ign|Blk)' /proc/self/status").stdout.split()
    assert status == ["SigBlk:", "0000000000000000", "SigIgn:", "0000000000000000"]


def test_lo_is_up(mydocker: Machine) -> None:
    assert "UP" in mydocker("run", "--rm", "busybox", "ip", "link", "show", "lo").stdout
    assert mydocker("run", "--rm", "busybox", "ping", "-c", "1", "-W", "1", "127.0.0.1").rc == 0


class TestUserNamespace:
    """--userns: root inside is nobody of consequence outside."""

    def test_root_inside_is_another_user_outside(self, mydocker: Machine, userns: list[str]) -> None:
        mydocker("run", "-d", "--name", "mapped", *userns, "busybox", "sleep", "60")
        pid = mydocker.pid("mapped")
        owner = int(mydocker.sh(f"stat -c %u /proc/{pid}").stdout)
        assert owner >= 65536
        assert mydocker("rm", "-f", "mapped").rc == 0

    @pytest.mark.parametrize("user", ["0", "7:8"])
    def test_its_streams_can_be_opened_again(self, mydocker: Machine, userns: list[str], user: str) -> None:
        """Images write their logs to /dev/stdout, by a symlink."""
        script = "echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin"
        result = mydocker("run", "--rm", "-i", "-u", user, *userns, "busybox", "sh", "-c", script, stdin="in")
        assert (result.rc, result.stdout, result.stderr) == (0, "out\nin", "err\n")
        mydocker("run", "-d", "--name", "mapped", *userns, "busybox", "sleep", "60")
        result = mydocker("exec", "-i", "-u", user, "mapped", "sh", "-c", script, stdin="in")
        assert (result.rc, result.stdout, result.stderr) == (0, "out\nin", "err\n")
        mydocker("rm", "-f", "mapped")

    @pytest.mark.parametrize("driver", ["overlay", "vfs"])
    def test_a_start_that_fails_leaves_nothing(self, mydocker: Machine, userns: list[str], driver: str) -> None:
        env = {"MYDOCKER_STORAGE_DRIVER": driver}
        failed = mydocker("run", "--rm", *userns, "busybox", "nowhere", env=env)
        assert (failed.rc, failed.stderr.count("\n")) == (127, 1), failed.stderr
        assert mydocker("ps", "-aq").stdout == ""

    def test_the_image_belongs_to_root_inside(self, mydocker: Machine, userns: list[str]) -> None:
        result = mydocker(
            "run", "--rm", *userns, "busybox", "sh", "-c", "id -u; stat -c %u:%g /bin /etc/passwd; touch /new; stat -c %u /new"
        )
        assert result.stdout.split() == ["0", "0:0", "0:0", "0"], result.stderr
