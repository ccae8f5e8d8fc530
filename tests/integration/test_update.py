"""update and stats: limits that change while a container runs, and what it uses."""

from collections.abc import Iterator

import pytest
from conftest import Machine

pytestmark = pytest.mark.usefixtures("needs_controllers")


@pytest.fixture
def web(mydocker: Machine) -> Iterator[str]:
    """A container that keeps one CPU busy."""
    mydocker("run", "-d", "--name", "web", "-m", "64m", "busybox", "sh", "-c", "while :; do :; done")
    yield "web"
    mydocker("rm", "-f", "web")


def limit(mydocker: Machine, v1: str, v2: str) -> str:
    return mydocker("exec", "web", "sh", "-c", f"cd /sys/fs/cgroup; cat {v1} 2>/dev/null || cat {v2}").stdout.strip()


def test_limits_change_at_once_and_stay(mydocker: Machine, web: str) -> None:
    assert mydocker("update", "-m", "128m", "--pids-limit", "30", "--cpus", "0.5", web).stdout == "web\n"
    for _ in range(2):
        assert limit(mydocker, "memory/memory.limit_in_bytes", "memory.max") == "134217728"
        assert limit(mydocker, "pids/pids.max", "pids.max") == "30"
        assert limit(mydocker, "cpu/cpu.cfs_quota_us", "cpu.max").split()[0] == "50000"
        mydocker("restart", "-t", "0", web)
    mydocker("update", "-m", "32m", web)
    assert limit(mydocker, "memory/memory.limit_in_bytes", "memory.max") == "33554432"
    assert mydocker("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}", web).stdout == "33554432 30\n"


def swaps(mydocker: Machine) -> str:
    """The limit on memory and swap together, in bytes: the kernel's, and inspect's."""
    script = "cd /sys/fs/cgroup; cat memory/memory.memsw.limit_in_bytes 2>/dev/null || echo $(($(cat memory.swap.max) + $(cat memory.max)))"
    kernel = mydocker("exec", "web", "sh", "-c", script).stdout.strip()
    return f"{kernel} {mydocker('inspect', '-f', '{{.HostConfig.MemorySwap}}', 'web').stdout.strip()}"


def test_memory_and_swap_are_counted_together(mydocker: Machine, web: str) -> None:
    """As docker's: -m alone means twice as much with swap, and what an update does not name stays."""
    files = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes /sys/fs/cgroup/memory.swap.max"
    if not mydocker("exec", web, "sh", "-c", f"ls {files} 2>/dev/null").stdout:
        pytest.skip("this kernel does not limit swap")
    mebibytes = {number: number << 20 for number in (64, 128, 200, 300)}
    mydocker("rm", "-f", web)
    mydocker("run", "-d", "--name", "web", "-m", "64m", "busybox", "sleep", "600")
    assert swaps(mydocker) == f"{mebibytes[128]} {mebibytes[128]}"
    assert mydocker("update", "--memory-swap", "300m", web).rc == 0
    assert mydocker("update", "-m", "200m", web).rc == 0
    assert swaps(mydocker) == f"{mebibytes[300]} {mebibytes[300]}"
    refused = mydocker("update", "-m", "512m", web)
    assert (refused.rc, refused.stderr.splitlines()[0]) == (
        1,
        "mydocker: memory and swap together (314572800 bytes) are less than the memory limit (536870912 bytes)",
    )
    assert limit(mydocker, "memory/memory.limit_in_bytes", "memory.max") == str(mebibytes[200])
    assert mydocker("update", "--memory-swap", "-1", web).rc == 0
    assert mydocker("inspect", "-f", "{{.HostConfig.MemorySwap}}", web).stdout == "-1\n"


def test_cpus_and_a_quota_exclude_each_other(mydocker: Machine, web: str) -> None:
    assert mydocker("update", "--cpus", "0.5", web).rc == 0
    refused = mydocker("update", "--cpu-quota", "20000", web)
    assert (refused.rc, refused.stderr) == (
        1,
        "mydocker: container web has a limit by --cpus, which excludes --cpu-quota and --cpu-period\n",
    )
    assert limit(mydocker, "cpu/cpu.cfs_quota_us", "cpu.max").split()[0] == "50000"


def test_the_restart_policy_changes(mydocker: Machine, web: str) -> None:
    mydocker("update", "--restart", "always", web)
    first = mydocker.pid(web)
    mydocker.sh(f"kill -9 {first}")
    mydocker.wait_until(lambda: "Up" in mydocker("ps").stdout and mydocker.pid(web) != first)
    mydocker("update", "--restart", "no", web)
    mydocker.sh(f"kill -9 {mydocker.pid(web)}")
    mydocker.wait_until(lambda: "Exited" in mydocker("ps", "-a").stdout)


@pytest.mark.parametrize(
    ("flags", "words"),
    [([], "nothing to update"), (["-m", "1k"], "too small"), (["-m", "x"], "invalid size"), (["--cpuset-cpus", "4096"], "4096")],
)
def test_bad_updates_change_nothing(mydocker: Machine, web: str, flags: list[str], words: str) -> None:
    refused = mydocker("update", *flags, web)
    assert refused.rc == 1
    assert words in refused.stderr
    assert limit(mydocker, "memory/memory.limit_in_bytes", "memory.max") == "67108864"


def test_a_container_that_does_not_run_gets_its_limits_with_the_next_start(mydocker: Machine) -> None:
    mydocker("create", "--name", "web", "busybox", "sleep", "100")
    mydocker("update", "--pids-limit", "20", "web")
    mydocker("start", "web")
    assert limit(mydocker, "pids/pids.max", "pids.max") == "20"
    mydocker("rm", "-f", "web")


def test_stats(mydocker: Machine, web: str) -> None:
    mydocker("run", "-d", "--name", "idle", "busybox", "sleep", "100")
    row = mydocker("stats", "--no-stream", "--format", "{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.PIDs}}", web).stdout.strip().split("|")
    assert row[0] == "web"
    assert float(row[1].rstrip("%")) > 10
    assert row[2].endswith(" / 64MiB")
    assert row[3] == "1"
    names = mydocker("stats", "--no-stream", "--format", "{{.Name}}").stdout.split()
    assert sorted(names) == ["idle", "web"]
    mydocker("rm", "-f", "idle")
    mydocker("create", "--name", "new", "busybox", "true")
    assert mydocker("stats", "--no-stream", "--format", "{{.CPUPerc}}", "new").stdout == "--\n"
    mydocker("rm", "new")
