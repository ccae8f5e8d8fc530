"""Limits are felt, or refused with the controller's name."""

import pytest
from changes import file_in_container, version_of
from conftest import Machine

pytestmark = pytest.mark.usefixtures("needs_controllers")


def value(mydocker: Machine, flags: list[str], controller: str, v1_file: str, v2_file: str) -> str:
    """Return what the kernel says of a container's limit, read from inside."""
    result = mydocker("run", "--rm", *flags, "busybox", "cat", file_in_container(controller, v1_file, v2_file))
    assert result.rc == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("flags", "v1_file", "v1_value", "v2_file", "v2_value"),
    [
        (["-m", "64m"], "memory/memory.limit_in_bytes", "67108864", "memory.max", "67108864"),
        (["-m", "64m", "--memory-swap", "128m"], "memory/memory.memsw.limit_in_bytes", "134217728", "memory.swap.max", "67108864"),
        (["-m", "64m", "--memory-reservation", "32m"], "memory/memory.soft_limit_in_bytes", "33554432", "memory.low", "33554432"),
        (["--cpus", "0.5"], "cpu/cpu.cfs_quota_us", "50000", "cpu.max", "50000 100000"),
        (["--cpu-quota", "20000", "--cpu-period", "50000"], "cpu/cpu.cfs_period_us", "50000", "cpu.max", "20000 50000"),
        (["--cpu-shares", "512"], "cpu/cpu.shares", "512", "cpu.weight", None),
        (["-cpuset", "0"], "cpuset/cpuset.cpus", "0", "cpuset.cpus", "0"),
        (["--pids-limit", "32"], "pids/pids.max", "32", "pids.max", "32"),
    ],
)
@pytest.mark.kernel
def test_a_limit_reaches_the_kernel(
    mydocker: Machine, flags: list[str], v1_file: str, v1_value: str, v2_file: str, v2_value: str | None
) -> None:
    controller, _, file = v1_file.partition("/")
    found = value(mydocker, flags, controller, file, v2_file)
    expected = v1_value if version_of(controller) == 1 else v2_value
    assert expected is None or found == expected


@pytest.fixture
def disk(mydocker: Machine) -> str:
    """A block device of the host, which nothing is read from or written to."""
    devices = mydocker.sh("cd /sys/block; for name in *; do [ $(cat $name/size) = 0 ] || [ ! -b /dev/$name ] || echo /dev/$name; done")
    if not devices.stdout:
        pytest.skip("this machine has no block device")
    return devices.stdout.split()[0]


@pytest.mark.parametrize(
    ("flag", "file", "key"),
    [
        ("--device-read-bps", "read_bps", "rbps"),
        ("--device-write-bps", "write_bps", "wbps"),
        ("--device-read-iops", "read_iops", "riops"),
        ("--device-write-iops", "write_iops", "wiops"),
    ],
)
def test_a_device_limit_reaches_the_kernel(mydocker: Machine, disk: str, flag: str, file: str, key: str) -> None:
    number = mydocker.sh(f"cat /sys/block/{disk.removeprefix('/dev/')}/dev").stdout.strip()
    is_v1 = version_of("blkio") == 1
    found = value(mydocker, [flag, f"{disk}:4096"], "blkio" if is_v1 else "io", f"blkio.throttle.{file}_device", "io.max")
    assert found == f"{number} 4096" if is_v1 else found.startswith(number) and f"{key}=4096" in found.split()


@pytest.mark.kernel
def test_memory_is_limited_and_the_oom_kill_is_seen(mydocker: Machine) -> None:
    result = mydocker(
        "run",
        "--name",
        "hog",
        "-m",
        "16m",
        "--memory-swap",
        "16m",
        "busybox",
        "sh",
        "-c",
        "x=$(head -c 64m /dev/zero | tr '\\0' x); echo ${#x}",
    )
    assert result.rc == 137, result.stdout
    record = mydocker.record("hog")
    assert record["oomKilled"] is True
    assert record["exitCode"] == 137
    mydocker("rm", "hog")


def test_processes_are_limited(mydocker: Machine) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & done 2>&1 | head -1; wait"
    result = mydocker("run", "--rm", "--pids-limit", "6", "busybox", "sh", "-c", script)
    assert "can't fork" in result.stdout + result.stderr


def test_each_container_has_a_cgroup_of_its_own(mydocker: Machine) -> None:
    for name in ("one", "two"):
        mydocker("run", "-d", "--name", name, "busybox", "sleep", "60")
    paths = [mydocker.sh(f"cat /proc/{mydocker.pid(name)}/cgroup").stdout for name in ("one", "two")]
    assert paths[0] != paths[1]
    assert all("/mydocker/" in path for path in paths)
    mydocker("rm", "-f", "one", "two")


def test_a_cgroup_parent(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "child", "--cgroup-parent", "/mydocker/team", "busybox", "sleep", "60")
    assert "/mydocker/team/" in mydocker.sh(f"cat /proc/{mydocker.pid('child')}/cgroup").stdout
    mydocker("rm", "-f", "child")
    assert found(mydocker, "team") == []


def found(mydocker: Machine, name: str) -> list[str]:
    return mydocker.sh(f"find /sys/fs/cgroup -type d -name {name}").stdout.split()


def test_cgroup_parents_go_with_the_last_container(mydocker: Machine) -> None:
    for name in ("one", "two"):
        assert mydocker("run", "-d", "--name", name, "--cgroup-parent", "mdtest-team/a/b", "busybox", "sleep", "1000").rc == 0
    mydocker("rm", "-f", "one")
    assert found(mydocker, "mdtest-team")
    mydocker("stop", "-t", "0", "two")
    assert found(mydocker, "mdtest-team") == []
    assert mydocker("run", "--rm", "--cgroup-parent", "mdtest-team", "busybox", "/nosuch").rc == 127
    assert found(mydocker, "mdtest-team") == []
    mydocker("rm", "two")


def test_a_cgroup_parent_of_somebody_else_stays(mydocker: Machine) -> None:
    mydocker.sh("find /sys/fs/cgroup -name cgroup.procs -path '/sys/fs/cgroup/*/cgroup.procs' -maxdepth 2 -printf '%h\\n' > mounts")
    mydocker.sh("for mount in $(cat mounts); do mkdir $mount/mdtest-theirs; done")
    theirs = found(mydocker, "mdtest-theirs")
    assert theirs
    try:
        assert mydocker("run", "--rm", "--cgroup-parent", "/mdtest-theirs", "busybox", "true").rc == 0
        assert found(mydocker, "mdtest-theirs") == theirs
    finally:
        mydocker.sh(f"rmdir {' '.join(theirs)}")


def test_many_starts_and_ends_in_one_cgroup_parent(mydocker: Machine) -> None:
    start = "({mydocker} run --rm --network none --cgroup-parent mdtest-many busybox true || echo failed)"
    assert mydocker.sh(f"for round in 1 2 3 4 5; do {start} & {start} & {start} & wait; done 2>&1").stdout == ""
    assert found(mydocker, "mdtest-many") == []


def test_a_crash_leaves_its_cgroup_parent_to_the_repair(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "victim", "--cgroup-parent", "mdtest-crash", "busybox", "sleep", "1000")
    pid = mydocker.pid("victim")
    mydocker.sh(f"kill -9 $(awk '/^PPid/ {{ print $2 }}' /proc/{pid}/status) {pid}")
    assert found(mydocker, "mdtest-crash")
    mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0 and not found(mydocker, "mdtest-crash"))
    mydocker("rm", "victim")


@pytest.mark.parametrize(
    "flags",
    [["--cpuset-cpus", "4096"], ["--cpuset-cpus", "x"], ["--blkio-weight", "5"], ["--cpus", "99999"], ["--memory-swappiness", "101"]],
)
def test_impossible_limits_are_refused(mydocker: Machine, flags: list[str]) -> None:
    result = mydocker("run", "--rm", *flags, "busybox", "true")
    assert result.rc == 125
    assert flags[1].split(",")[0] in result.stderr
