"""run, create and start: arguments, streams, terminals, signals and exit statuses."""

import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Machine, wait_until

ARGUMENTS = ["", " ", "a b", "'", '"', "\\", "$HOME", "`id`", "a\nb", "\t", "ä€🐳", "-x", "--", "*", "x" * 100_000]


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["false"], 1),
        (["sh", "-c", "exit 42"], 42),
        (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137),
        (["/etc/passwd"], 126),
        (["/bin"], 126),
        (["nosuchprogram"], 127),
        (["/no/such/program"], 127),
    ],
)
def test_the_exit_status_is_the_containers(mydocker: Machine, command: list[str], status: int) -> None:
    assert mydocker("run", "--rm", "busybox", *command).rc == status


def test_arguments_pass_unchanged(mydocker: Machine) -> None:
    result = mydocker("run", "--rm", "busybox", "sh", "-c", 'for a; do printf "%s\\0" "$a"; done', "sh", *ARGUMENTS)
    assert result.stdout.split("\0")[:-1] == ARGUMENTS


@pytest.mark.kernel
def test_streams_are_apart(mydocker: Machine) -> None:
    result = mydocker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_input_arrives_only_with_i(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "busybox", "cat", stdin="hello").stdout == ""
    assert mydocker("run", "--rm", "-i", "busybox", "cat", stdin="hello").stdout == "hello"


def test_megabytes_pass_both_ways(mydocker: Machine) -> None:
    script = "seq 400000 > big; {mydocker} run --rm -i busybox cat < big | cmp - big && echo same"
    assert mydocker.sh(script).stdout == "same\n"


def test_output_of_a_fast_writer_is_whole(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "busybox", "seq", "200000").stdout.split() == [str(n) for n in range(1, 200_001)]


def test_a_client_that_stops_reading_does_not_hold_the_container(mydocker: Machine) -> None:
    assert mydocker.sh("{mydocker} run --rm busybox seq 1000000 | head -1").stdout == "1\n"
    mydocker.wait_until(lambda: not mydocker("ps", "-aq").stdout, 60)  # it still writes its million lines to its log


def test_a_signal_is_proxied_without_a_terminal(mydocker: Machine) -> None:
    program = "trap 'echo got TERM; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
    script = (
        "{mydocker} run --rm busybox sh -c " + mydocker.quote(program) + " > out & pid=$!; "
        "for i in $(seq 100); do grep -q ready out && break; sleep 0.1; done; kill -TERM $pid; wait $pid; echo $?; cat out"
    )
    assert mydocker.sh(script).stdout == "7\nready\ngot TERM\n"


def test_a_detached_container_prints_its_id_and_lives_on(mydocker: Machine) -> None:
    result = mydocker("run", "-d", "--name", "web", "busybox", "sleep", "60")
    identity = result.stdout.strip()
    assert len(identity) == 64
    assert mydocker("ps", "-q", "--no-trunc").stdout.strip() == identity
    assert "Up" in mydocker("ps").stdout
    assert mydocker("rm", "web").rc == 1
    assert mydocker("rm", "-f", "web").stdout == "web\n"
    assert mydocker("ps", "-a", "-q").stdout == ""


def test_the_record_knows_the_end(mydocker: Machine) -> None:
    mydocker("run", "--name", "done", "busybox", "sh", "-c", "exit 3")
    assert "Exited (3)" in mydocker("ps", "-a").stdout
    assert mydocker("rm", "done").rc == 0


def test_a_signal_that_ends_the_container_is_its_status(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "doomed", "busybox", "sleep", "60")
    mydocker.sh(f"kill -9 {mydocker.pid('doomed')}")
    mydocker.wait_until(lambda: "Exited (137)" in mydocker("ps", "-a").stdout)
    assert mydocker("rm", "doomed").rc == 0


def test_create_then_start(mydocker: Machine) -> None:
    assert len(mydocker("create", "--name", "later", "busybox", "sh", "-c", "echo now; exit 4").stdout.strip()) == 64
    assert "Created" in mydocker("ps", "-a").stdout
    for _ in range(2):  # a container keeps its writable layer and can be started again
        result = mydocker("start", "-a", "later")
        assert (result.rc, result.stdout) == (4, "now\n")
    assert mydocker("rm", "later").rc == 0


@pytest.mark.kernel
@pytest.mark.storage
def test_the_writable_layer_survives_a_restart(mydocker: Machine) -> None:
    mydocker("create", "--name", "kept", "busybox", "sh", "-c", "cat /seen 2>/dev/null; echo again >> /seen")
    outputs = [mydocker("start", "-a", "kept").stdout for _ in range(3)]
    assert outputs == ["", "again\n", "again\nagain\n"]
    assert mydocker("rm", "kept").rc == 0


def test_a_name_is_unique_and_checked(mydocker: Machine) -> None:
    assert mydocker("create", "--name", "one", "busybox", "true").rc == 0
    clash = mydocker("run", "--name", "one", "busybox", "true")
    assert clash.rc == 125
    assert "one" in clash.stderr
    for bad in ("../x", "a/b", "-a", "."):
        assert mydocker("create", f"--name={bad}", "busybox", "true").rc == 125
    assert mydocker("rm", "one").rc == 0
    assert mydocker("ps", "-a", "-q").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pull", "never", "nosuchimage"], ["nosuchimage", "pull"]),
        (["--nosuchflag", "busybox"], ["--nosuchflag"]),
        (["-m", "lots", "busybox"], ["lots"]),
        (["-m", "1m", "busybox"], ["6"]),
        (["--cpus", "-1", "busybox"], ["-1"]),
        (["--cap-add", "nosuch", "busybox"], ["nosuch"]),
        (["-v", "/a:/b:zz", "busybox"], ["zz"]),
        (["-v", "relative/path:/b", "busybox"], ["relative/path"]),
        (["--mount", "type=bind,source=/nosuch,target=/x", "busybox", "true"], ["/nosuch"]),
        (["--ulimit", "nofile", "busybox"], ["nofile"]),
        (["--device", "/dev/nosuch", "busybox", "true"], ["/dev/nosuch"]),
        (["--network", "nosuch", "busybox"], ["nosuch"]),
        (["--runtime", "nosuch", "busybox", "true"], ["nosuch"]),
        (["--sysctl", "kernel.hostname=x", "busybox", "true"], ["kernel.hostname"]),
        (["--security-opt", "seccomp=/nosuch", "busybox", "true"], ["/nosuch"]),
        (["-u", "nosuchuser", "busybox", "true"], ["nosuchuser"]),
        ([], ["IMAGE"]),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(mydocker: Machine, arguments: list[str], words: list[str]) -> None:
    result = mydocker("run", "--rm", *arguments)
    assert result.rc == 125
    first, *rest = result.stderr.splitlines()
    assert all(line.startswith("hint: ") for line in rest), result.stderr
    assert all(word in first + "".join(rest) for word in words), result.stderr
    assert mydocker("ps", "-a", "-q").stdout == ""


def test_a_cidfile_holds_the_id_and_is_never_overwritten(mydocker: Machine, tmp_path: Path) -> None:
    path = f"{mydocker.directory}/cid"
    identity = mydocker("create", "--cidfile", path, "busybox", "true").stdout.strip()
    assert mydocker.sh(f"cat {path}").stdout == identity
    assert mydocker("create", "--cidfile", path, "busybox", "true").rc == 125
    assert mydocker("rm", identity[:12]).rc == 0
    mydocker.sh(f"rm {path}")


@pytest.mark.parametrize(
    ("flags", "command", "expected"),
    [
        (["-e", "A=b c", "-e", "B="], 'echo "$A|$B"', "b c|"),
        (["-w", "/tmp"], "pwd", "/tmp"),
        (["-w", "/made/for/it"], "pwd", "/made/for/it"),
        (["-h", "somewhere"], "hostname; cat /etc/hostname", "somewhere\nsomewhere"),
        (["--domainname", "example.org"], "cat /proc/sys/kernel/domainname", "example.org"),
        (["-u", "65534:100"], "id -u; id -g", "65534\n100"),
        (["-u", "nobody"], "id -u; echo $HOME", "65534\n/home"),
        (["-u", "0", "--group-add", "27", "--group-add", "28"], "id -G", "0 10 27 28"),
        (["--entrypoint", "echo"], "x", "-c x"),
        (["--ulimit", "nofile=64:128"], "ulimit -n; ulimit -Hn", "64\n128"),
        (["--oom-score-adj", "500"], "cat /proc/self/oom_score_adj", "500"),
        (["--shm-size", "1m"], "df -k /dev/shm | tail -1 | awk '{print $2}'", "1024"),
        (["--tmpfs", "/run/x:size=2m"], "df -k /run/x | tail -1 | awk '{print $2}'", "2048"),
        (["--read-only"], "touch /x 2>/dev/null || echo refused; touch /dev/shm/y && echo shm", "refused\nshm"),
        (["--sysctl", "kernel.msgmax=4711"], "cat /proc/sys/kernel/msgmax", "4711"),
        (["--network", "none"], "ls /sys/class/net", "lo"),
        (["--device", "/dev/null:/dev/other:r"], "ls -l /dev/other | cut -c1-10", "crw-rw-rw-"),
    ],
)
def test_flags(mydocker: Machine, flags: list[str], command: str, expected: str) -> None:
    result = mydocker("run", "--rm", *flags, "busybox", *([] if "--entrypoint" in flags else ["sh"]), "-c", command)
    assert result.stdout.strip() == expected, result.stderr


def test_an_environment_file_is_read(mydocker: Machine) -> None:
    mydocker.sh("printf '# comment\\nA=1\\n\\nB=two words\\n' > env")
    assert mydocker("run", "--rm", "--env-file", "env", "busybox", "sh", "-c", 'echo "$A $B"').stdout == "1 two words\n"


def test_the_seeds_spellings_work(mydocker: Machine, needs_controllers: None) -> None:
    assert mydocker("run", "-ti", "busybox", "true").rc == 125  # -t without a terminal
    assert mydocker("run", "--rm", "-cpuset", "0", "-m", "100m", "-cpushare", "512", "busybox", "true").rc == 0


def test_another_runtime_runs_the_same_bundle(mydocker: Machine, host: Any) -> None:
    if not host.exists("runc"):
        pytest.skip("runc is not installed")
    flags = ["--runtime", "runc", "--rm", "-u", "nobody", "-e", "A=1"]
    result = mydocker("run", *flags, "busybox", "sh", "-c", "id -u; echo $A $HOME; echo err >&2; exit 6")
    assert (result.rc, result.stdout, result.stderr) == (6, "65534\n1 /home\n", "err\n")
    assert mydocker("run", *flags, "busybox", "nosuchprogram").rc == 127


class TestTerminal:
    """-t: a pty in the container's own devpts."""

    def test_a_terminal_is_a_terminal(self, mydocker: Machine) -> None:
        with mydocker.terminal("run", "--rm", "-it", "busybox", "sh") as terminal:
            terminal.expect("# ")
            terminal.send("tty; ls /dev/pts; echo rc=$?\n")
            terminal.expect("/dev/pts/0")
            terminal.expect("rc=0")
            terminal.send("exit 5\n")
            assert terminal.wait() == 5

    def test_the_window_size_follows(self, mydocker: Machine) -> None:
        with mydocker.terminal("run", "--rm", "-it", "busybox", "sh", size=(33, 99)) as terminal:
            terminal.expect("# ")
            terminal.send("stty size\n")
            terminal.expect("33 99")
            terminal.resize(40, 120)
            terminal.send("sleep 0.2; stty size\n")
            terminal.expect("40 120")
            terminal.send("exit\n")
            assert terminal.wait() == 0

    def test_control_c_reaches_the_container(self, mydocker: Machine) -> None:
        with mydocker.terminal(
            "run", "--rm", "-it", "busybox", "sh", "-c", "trap 'exit 7' INT; echo up; while :; do sleep 0.1; done"
        ) as terminal:
            terminal.expect("up")
            terminal.send("\x03")
            assert terminal.wait() == 7

    def test_detach_keys_leave_the_container_running(self, mydocker: Machine) -> None:
        with mydocker.terminal("run", "-it", "--name", "left", "busybox", "sh") as terminal:
            terminal.expect("# ")
            terminal.send("\x10\x11")
            assert terminal.wait() == 0
        assert "Up" in mydocker("ps").stdout
        assert mydocker("rm", "-f", "left").rc == 0

    def test_other_detach_keys(self, mydocker: Machine) -> None:
        with mydocker.terminal("run", "-it", "--name", "left", "--detach-keys", "a,b", "busybox", "sh") as terminal:
            terminal.expect("# ")
            terminal.send("echo axb\n")
            terminal.expect("axb\r\naxb")
            terminal.send("ab")
            assert terminal.wait() == 0
        assert mydocker("rm", "-f", "left").rc == 0


def test_the_third_ctrl_c_frees_the_terminal(mydocker: Machine) -> None:
    """docker's since 28: of a first process that ignores all signals. It runs on."""
    command = [*shlex.split(mydocker.prefixed), "run", "--name", "deaf", "--network", "none", "busybox"]
    command += ["sh", "-c", "trap 'echo heard' INT TERM; echo ready; while :; do sleep 0.05; done"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as client:
        assert client.stdout
        assert client.stderr
        assert client.stdout.readline() == "ready\n"
        for number in (signal.SIGINT, signal.SIGTERM):
            client.send_signal(number)
            assert client.stdout.readline() == "heard\n"
        client.send_signal(signal.SIGINT)
        assert client.wait(60) == 1
        assert client.stderr.read() == "mydocker: the container did not end at 3 signals\nhint: it runs on: mydocker kill ends it\n"
    assert "Up" in mydocker("ps").stdout
    mydocker("rm", "-f", "deaf")


class TestWhatDockersOwnTestsAskFor:
    """Names are those of moby's tests."""

    def test_container_with_readonly_rootfs(self, mydocker: Machine) -> None:
        for more in ([], ["--privileged"]):
            touched = mydocker(
                "run", "--rm", "--read-only", *more, "busybox", "touch", "/f", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"
            )
            assert touched.stderr.count("Read-only file system") == 4

    def test_add_host_and_dns_in_host_mode(self, mydocker: Machine) -> None:
        words = ["--network", "host", "--add-host", "extra:1.2.3.4", "--dns", "127.0.0.9", "--dns-search", "example.com"]
        shown = mydocker("run", "--rm", *words, "busybox", "cat", "/etc/hosts", "/etc/resolv.conf").stdout
        assert "1.2.3.4\textra\n" in shown and "nameserver 127.0.0.9\n" in shown and "search example.com\n" in shown
        own = mydocker.sh("cat /etc/hosts").stdout
        assert shown.startswith(own)

    def test_environment(self, mydocker: Machine) -> None:
        assert "HOME=/root\n" in mydocker("run", "--rm", "-e", "HOME=", "busybox", "env").stdout

    def test_hostname_fqdn(self, mydocker: Machine) -> None:
        shown = mydocker("run", "--rm", "-h", "foobar.example.com", "busybox", "cat", "/etc/hosts").stdout
        assert "\tfoobar.example.com foobar\n" in shown

    def test_hostname_dns_resolution(self, mydocker: Machine) -> None:
        mydocker("network", "create", "back")
        mydocker("run", "-d", "--name", "first", "--network", "back", "-h", "foobar", "busybox", "sleep", "600")
        for name in ("first", "foobar"):
            assert mydocker("run", "--rm", "--network", "back", "busybox", "grep", "-w", name, "/etc/hosts").rc == 0
        assert mydocker("exec", "first", "sh", "-c", "echo > /etc/hosts; nslookup foobar").rc == 0
        mydocker("rm", "-f", "first")
        mydocker("network", "rm", "back")

    def test_volumes_from(self, mydocker: Machine) -> None:
        """A -v without a name does not hide a donor's volume, nothing of an image comes into it, and the last container takes it along."""
        mydocker("run", "--name", "parent", "-v", "/etc/own", "busybox", "touch", "/etc/own/foo")
        listed = mydocker("run", "--name", "child", "--volumes-from", "parent", "-v", "/etc/own", "busybox", "ls", "/etc/own")
        assert listed.stdout == "foo\n"
        mydocker("rm", "parent")
        assert len(mydocker("volume", "ls", "-q").stdout.split()) == 1
        mydocker("rm", "-v", "child")
        assert mydocker("volume", "ls", "-q").stdout == ""

    def test_tmpfs_mounts_with_options(self, mydocker: Machine) -> None:
        mounted = mydocker("run", "--rm", "--tmpfs", "/tmp:shared", "busybox", "grep", " /tmp ", "/proc/self/mountinfo").stdout
        assert " shared:" in mounted

    def test_exec_with_no_term(self, mydocker: Machine) -> None:
        mydocker("run", "-itd", "--name", "terminal", "busybox", "cat")
        mydocker("run", "-itd", "--name", "asked", "-e", "TERM=dumb", "busybox", "cat")
        assert "TERM" not in mydocker("exec", "terminal", "env").stdout
        assert "TERM=dumb\n" in mydocker("exec", "asked", "env").stdout
        mydocker("rm", "-f", "terminal", "asked")

    def test_exec_env_links_host(self, mydocker: Machine) -> None:
        mydocker("run", "-d", "--name", "foo", "-h", "fred", "busybox", "sleep", "600")
        mydocker("run", "-d", "--name", "bar", "--link", "foo:db", "busybox", "sleep", "600")
        assert "DB_NAME=/bar/db\n" in mydocker("exec", "bar", "env").stdout
        assert mydocker("exec", "bar", "grep", "-w", "fred", "/etc/hosts").rc == 0
        mydocker("rm", "-f", "foo")
        assert mydocker("exec", "bar", "true").rc == 0
        mydocker("rm", "-f", "bar")

    def test_cp_to_err_read_only_volume(self, mydocker: Machine) -> None:
        mydocker("create", "--name", "locked", "-v", "data:/data:ro", "busybox")
        mydocker.sh("echo new > file")
        assert "Read-only file system" in mydocker("cp", "file", "locked:/data/file").stderr
        mydocker("rm", "locked")
        mydocker("volume", "rm", "data")

    def test_events_until_a_moment(self, mydocker: Machine) -> None:
        mydocker("create", "--name", "seen", "busybox")
        assert " create " in mydocker("events", "--until", "0s", "--filter", "container=seen").stdout
        wrong = mydocker("events", "--since", "2030-01-01T00:00:00Z", "--until", "2020-01-01T00:00:00Z")
        assert "cannot be after" in wrong.stderr and wrong.rc == 1
        mydocker("rm", "seen")

    def test_events_image_load(self, mydocker: Machine) -> None:
        mydocker("save", "-o", "saved.tar", "busybox")
        mydocker("load", "-i", "saved.tar")
        (image_id,) = mydocker("images", "-q", "--no-trunc", "busybox").stdout.split()
        for event in ("save", "load"):
            assert image_id in mydocker("events", "--until", "0s", "--filter", f"event={event}").stdout

    def test_restart_auto_remove_container(self, mydocker: Machine) -> None:
        mydocker("run", "-d", "--rm", "--name", "again", "busybox", "sleep", "600")
        before = mydocker.pid("again")
        assert mydocker("restart", "-t", "0", "again").stdout == "again\n"
        assert mydocker.pid("again") not in (0, before)
        mydocker("stop", "-t", "0", "again")
        wait_until(lambda: mydocker("ps", "-aq").stdout == "")

    def test_a_restart_that_was_killed_half_way_loses_nothing(self, mydocker: Machine) -> None:
        """It is not removed, and goes with its next end."""
        mydocker("run", "-d", "--rm", "--name", "again", "busybox", "sleep", "600")
        cut = mydocker("restart", "-t", "0", "-s", "KILL", "again", env={"MYDOCKER_CRASH_AFTER": "cli:2"})  # 2 is the signal
        assert cut.rc == 137
        wait_until(lambda: mydocker("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout == "again exited\n")
        mydocker("start", "again")
        mydocker("stop", "-t", "0", "again")
        wait_until(lambda: mydocker("ps", "-aq").stdout == "")

    def test_restart_container_with_restart_policy(self, mydocker: Machine) -> None:
        """kill ends a container that waits for its next start, too."""
        mydocker("run", "-d", "--restart", "always", "--name", "loop", "busybox", "false")
        wait_until(lambda: mydocker("inspect", "-f", "{{.State.Status}}", "loop").stdout == "restarting\n")
        wait_until(lambda: mydocker("kill", "loop").rc == 0)
        wait_until(lambda: mydocker("inspect", "-f", "{{.State.Status}}", "loop").stdout == "exited\n")
        mydocker("rm", "loop")
