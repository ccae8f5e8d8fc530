"""The defects of the book's own implementation and its descendants, each a regression test named after its number.

A9 to A11 (exec, stop, stale status) and A16 to A20 (networks) come with what they are about.
"""

import json

import pytest
from changes import file_in_container
from conftest import Machine

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths


@pytest.mark.kernel
def test_a1_the_command_never_runs_on_the_hosts_root(mydocker: Machine, needs_root_mount: None) -> None:
    """Mounts that propagate back, and a pivot_root whose failure nobody noticed."""
    mydocker.sh("echo precious > host-file")
    command = f'{mydocker.prefixed} run --rm busybox sh -c "rm -rf {mydocker.directory}; mount -t tmpfs x /proc; echo inside"'
    shared = mydocker.sh(f"unshare -m --propagation shared sh -c '{command}; cat host-file; ls -d /proc/self'")
    assert shared.stdout == "inside\nprecious\n/proc/self\n"
    powerless = mydocker.sh("setpriv --bounding-set -sys_admin {mydocker} run --rm busybox touch {directory}/made")
    assert powerless.rc == 125
    assert "Operation not permitted" in powerless.stderr
    assert mydocker.sh("ls made").rc != 0


def test_a2_a_container_has_its_dev_and_sys_and_not_all_power(mydocker: Machine) -> None:
    script = "ls /dev/null /dev/pts/ptmx /sys/kernel >/dev/null && grep -E '^(CapEff|Seccomp):' /proc/self/status"
    assert mydocker("run", "--rm", "busybox", "sh", "-c", script).stdout.split() == ["CapEff:", "00000000a80425fb", "Seccomp:", "2"]


def test_a3_a_terminal_is_the_containers_own_and_input_is_another_flag(mydocker: Machine) -> None:
    with mydocker.terminal("run", "--rm", "-it", "busybox", "sh", "-c", "tty; read line; echo got $line") as terminal:
        terminal.expect("/dev/pts/0")
        terminal.send("this\r")
        terminal.expect("got this")
        assert terminal.wait() == 0
    without = mydocker("run", "--rm", "-t", "busybox", "sh", "-c", "tty", stdin="this\n")
    assert without.stdout == "/dev/pts/0\r\n"
    assert mydocker("run", "--rm", "-i", "busybox", "sh", "-c", "tty; cat", stdin="this\n").stdout == "not a tty\nthis\n"


def test_a4_arguments_are_stored_one_by_one(mydocker: Machine) -> None:
    arguments = ["echo", "-n", "two words", "", "tab\there"]
    mydocker("create", "--name", "words", "busybox", *arguments)
    assert mydocker.record("words")["command"] == arguments
    assert mydocker("start", "-a", "words").stdout == "two words  tab\there"
    mydocker("rm", "words")


@pytest.mark.parametrize(("command", "status"), [("nosuch", 127), ("/etc/passwd", 126)])
def test_a5_a_failed_start_says_so_and_is_over(mydocker: Machine, command: str, status: int) -> None:
    result = mydocker("run", "-d", "--name", "failed", "busybox", command)
    assert result.rc == status
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert mydocker.record("failed")["exitCode"] == status
    assert mydocker.sh("cat root/containers/*/log.json").stdout == ""
    mydocker("rm", "failed")


@pytest.mark.kernel
def test_a6_a_cpuset_has_its_memory_nodes(mydocker: Machine, needs_controllers: None) -> None:
    result = mydocker("run", "--rm", "-cpuset", "0", "busybox", "cat", file_in_container("cpuset", "cpuset.mems", "cpuset.mems.effective"))
    assert result.stdout.strip(), result.stderr


def test_a7_a_cgroup_lives_as_long_as_its_container(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "one", "busybox", "sleep", "60")
    container_id = mydocker.record("one")["id"]
    find = f"find /sys/fs/cgroup -type d -name {container_id}"
    assert mydocker.sh(find).stdout
    pid = mydocker.pid("one")
    mydocker.sh(f"kill -9 {pid}")
    mydocker.wait_until(lambda: not mydocker("ps", "-q").stdout)
    assert mydocker.sh(find).stdout == ""
    mydocker("rm", "one")


def test_a8_a_host_without_cgroups_is_told(mydocker: Machine, needs_root_mount: None) -> None:
    script = "umount -R /sys/fs/cgroup; {mydocker} run --rm -m 64m busybox true"
    result = mydocker.sh(f"unshare -m sh -c '{script}'")
    assert result.rc == 125
    assert result.stderr.startswith("mydocker: memory limit: ")


LIMITS = {"memory": ["-m", "64m"], "cpuset": ["--cpuset-cpus", "0"], "cpu": ["--cpus", "0.5"], "pids": ["--pids-limit", "9"]}


@pytest.mark.kernel
@pytest.mark.parametrize("controller", LIMITS)
def test_a8_a_limit_whose_controller_is_missing_is_refused_by_name(mydocker: Machine, controller: str) -> None:
    if Layout.detect(Paths()).find(controller):
        pytest.skip(f"this machine has the controller {controller}")
    result = mydocker("run", "--rm", *LIMITS[controller], "busybox", "true")
    assert result.rc == 125
    assert f"controller {controller}" in result.stderr


@pytest.mark.parametrize("name", ["network", "../etc", "a/b", ".hidden", "-x"])
def test_a12_a_name_is_no_path(mydocker: Machine, name: str) -> None:
    before = mydocker.snapshot()
    result = mydocker("create", f"--name={name}", "busybox", "true")
    if name == "network":
        assert result.rc == 0
        assert mydocker("create", "--name", name, "busybox", "true").rc == 125
        mydocker("rm", name)
    else:
        assert result.rc == 125
        assert mydocker.left_since(before) == []


def test_a13_a_reboot_loses_nothing_and_leaves_nothing(mydocker: Machine) -> None:
    """What a reboot is to files: STATE is empty, and no process is left."""
    mydocker("run", "-d", "--name", "cut", "busybox", "sh", "-c", "echo kept > /file; sleep 60")
    mydocker.wait_until(lambda: mydocker.sh("cat root/containers/*/*/file").stdout)
    pid = mydocker.pid("cut")
    mydocker.sh(f"kill -9 $(awk '/^PPid/ {{ print $2 }}' /proc/{pid}/status) {pid}; rm -rf state/[0-9a-f]*")
    mydocker.wait_until(lambda: "Up" not in mydocker("ps", "-a").stdout)
    mydocker("commit", "cut", "after")
    assert mydocker("run", "--rm", "after", "cat", "/file").stdout == "kept\n"
    mydocker("rm", "cut")
    mydocker("rmi", "after")
    mydocker("system", "check", "--repair")  # its cgroup, which a real reboot would have taken


def test_a14_there_is_more_than_aufs(mydocker: Machine, driver: str) -> None:
    result = mydocker("run", "--rm", "--storage-driver", driver, "busybox", "sh", "-c", "rm /etc/group; echo new > /etc/new; ls /etc")
    assert "new" in result.stdout.split()
    assert "group" not in result.stdout.split()


def test_a15_volumes_and_images_are_whole(mydocker: Machine) -> None:
    mydocker.sh("mkdir one two; umask 0; rm -rf deep")
    binds = ["-v", f"{mydocker.directory}/one:/one", "-v", f"{mydocker.directory}/two:/two:ro", "-v", f"{mydocker.directory}/deep/er:/deep"]
    script = "touch /one/x /deep/x; touch /two/x 2>/dev/null || echo read-only"
    assert mydocker("run", "--name", "binds", *binds, "busybox", "sh", "-c", script).stdout == "read-only\n"
    assert mydocker.sh("stat -c %a deep deep/er").stdout == "755\n755\n"
    changes = ['CMD ["sh", "-c", "echo $GREETING; pwd; id -u"]', "ENV GREETING=hello", "USER 77", "WORKDIR /tmp"]
    mydocker("commit", *(word for change in changes for word in ("-c", change)), "binds", "made")
    mydocker("rm", "binds")
    assert mydocker("run", "--rm", "made").stdout == "hello\n/tmp\n77\n"
    assert mydocker("run", "--rm", "-u", "0", "made", "ls", "/one/x", "/deep/x").stdout == ""
    mydocker("rmi", "made")
    assert json.loads(mydocker.sh("cat root/images/index.json").stdout)["manifests"]
    mydocker.sh("rm -r one two deep")
