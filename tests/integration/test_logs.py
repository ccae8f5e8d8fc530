"""logs: what a container wrote, as it wrote it."""

import json
import socket

import pytest
from conftest import Machine


def test_streams_bytes_and_times_are_kept(mydocker: Machine) -> None:
    mydocker("run", "--name", "talk", "busybox", "sh", "-c", "echo out; echo err >&2; printf 'no end\\377'")
    result = mydocker.sh("{mydocker} logs talk 2> err | od -c | tail -2; cat err")
    assert "n   o       e   n   d 377" in result.stdout
    assert result.stdout.endswith("err\n")
    assert mydocker("logs", "--tail", "1", "-t", "talk").stdout_bytes[-7:-1] == b"no end"
    entry = json.loads(mydocker.sh("head -1 root/containers/*/log.json").stdout)
    assert set(entry) == {"log", "stream", "time"}
    mydocker("rm", "talk")


def test_tail_since_until(mydocker: Machine) -> None:
    mydocker("run", "--name", "talk", "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    stamps = [line.split()[0] for line in mydocker("logs", "-t", "talk").stdout.splitlines()]
    assert mydocker("logs", "--tail", "2", "talk").stdout == "2\n3\n"
    assert mydocker("logs", "-n", "0", "talk").stdout == ""
    assert mydocker("logs", "--since", stamps[1], "talk").stdout == "2\n3\n"
    assert mydocker("logs", "--until", stamps[1], "talk").stdout == "1\n2\n"
    assert mydocker("logs", "--since", "1h", "talk").stdout == "1\n2\n3\n"
    assert mydocker("logs", "--since", "soon", "talk").rc == 1
    mydocker("rm", "talk")


def test_follow_until_the_end_and_across_rotation(mydocker: Machine) -> None:
    program = "for i in $(seq 200); do echo $i; sleep 0.002; done"
    options = ["--log-opt", "max-size=1k", "--log-opt", "max-file=100"]
    mydocker("run", "-d", "--name", "talk", *options, "busybox", "sh", "-c", program)
    assert mydocker("logs", "-f", "talk").stdout.split() == [str(number) for number in range(1, 201)]
    assert mydocker("logs", "talk").stdout.split() == [str(number) for number in range(1, 201)]
    assert int(mydocker.sh("ls root/containers/*/log.json* | wc -l").stdout) > 3
    mydocker("rm", "talk")


def test_a_follower_of_a_container_that_is_removed_ends(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "talk", "busybox", "sh", "-c", "echo ready; sleep 100")
    mydocker.sh("({mydocker} logs -f talk > seen; echo $? > ended) > /dev/null 2>&1 &")
    mydocker.wait_until(lambda: "ready" in mydocker.sh("cat seen").stdout)
    mydocker("rm", "-f", "talk")
    mydocker.wait_until(lambda: mydocker.sh("cat ended").stdout == "0\n")
    mydocker.sh("rm -f seen ended")


def test_no_log(mydocker: Machine) -> None:
    mydocker("run", "--name", "quiet", "--log-driver", "none", "busybox", "echo", "hidden")
    refused = mydocker("logs", "quiet")
    assert refused.rc == 1
    assert "--log-driver none" in refused.stderr
    assert mydocker.sh("ls root/containers/*/log.json").rc != 0
    mydocker("rm", "quiet")


def test_the_driver_local_keeps_as_much_as_docker_s(mydocker: Machine) -> None:
    """100 MB and no more; what it is asked for besides wins. A number of files alone limits nothing, as with docker."""
    write = ["busybox", "sh", "-c", f"yes {'x' * 999} | head -n 30000"]
    for name, flags in (("default", []), ("small", ["--log-opt", "max-size=1m"]), ("json", ["--log-driver", "json-file"])):
        options = ["--log-opt", "max-file=2"] if name == "json" else []
        assert mydocker("run", "-d", "--name", name, "--log-driver", "local", *flags, *options, *write).rc == 0
        mydocker("wait", name)
    logs = {name: f"root/containers/{mydocker.record(name)['id']}/log.json*" for name in ("default", "small", "json")}
    sizes = {name: int(mydocker.sh(f"cat {path} | wc -c").stdout) for name, path in logs.items()}
    assert 20_000_000 < sizes["default"] < 42_000_000
    assert sizes["small"] < 6_000_000
    assert sizes["json"] > 30_000_000
    assert mydocker("inspect", "-f", "{{.HostConfig.LogConfig.Type}}", "default").stdout == "local\n"
    assert mydocker.sh("{mydocker} logs --tail 2 default | wc -l").stdout == "2\n"
    mydocker("rm", "default", "small", "json")


def test_bad_log_options(mydocker: Machine) -> None:
    for option in ("max-size=x", "max-size=0", "max-file=0", "color=red"):
        result = mydocker("run", "--rm", "--log-opt", option, "busybox", "true")
        assert result.rc == 125, option
        assert option.split("=")[0] in result.stderr or option.split("=")[1] in result.stderr


def test_output_goes_to_syslog_and_stays_here(mydocker: Machine) -> None:
    """A server of the test's own, at a socket as /dev/log is."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(f"{mydocker.directory}/log")
    server.settimeout(20)
    options = ("--log-driver", "syslog", "--log-opt", f"syslog-address=unix://{mydocker.directory}/log", "--log-opt", "tag={{.Name}}")
    try:
        assert mydocker("run", "--name", "box", "--network", "none", *options, "busybox", "sh", "-c", "echo out; echo bad >&2").rc == 0
        messages = sorted(server.recv(4096).decode().rstrip("\n") for _ in range(2))
        assert [(message[:4], message.rpartition("]: ")[2]) for message in messages] == [("<27>", "bad"), ("<30>", "out")]
        assert all(" box[" in message for message in messages)
    finally:
        server.close()
    assert mydocker("logs", "box").stdout == "out\n"
    assert mydocker("inspect", "-f", "{{.HostConfig.LogConfig.Type}}", "box").stdout == "syslog\n"
    mydocker.sh("rm log")
    refused = mydocker("start", "-a", "box")
    assert refused.rc != 0 and "log driver syslog" in refused.stderr
    mydocker("rm", "box")
    assert mydocker("run", "--rm", "--log-driver", "syslog", "--log-opt", "max-size=1m", "busybox", "true").rc == 125


def test_attributes(mydocker: Machine) -> None:
    """docker's own TestLogsWithDetails, and the other options of json-file."""
    options = ["labels=foo,none", "env=baz", "labels-regex=^com\\.", "env-regex=^X_", "tag={{.Name}}/{{.ID}}", "compress=false"]
    flags = [word for option in options for word in ("--log-opt", option)]
    given = ["--label", "foo=bar", "--label", "other=x", "--label", "com.a=1 2", "-e", "baz=qux", "-e", "X_A=ä", "-e", "Y=z"]
    mydocker("run", "--name", "told", *given, *flags, "busybox", "echo", "hello")
    details = f"X_A=%C3%A4,baz=qux,com.a=1+2,foo=bar,tag=told%2F{mydocker.record('told')['id'][:12]}"
    assert mydocker("logs", "--details", "told").stdout == f"{details} hello\n"
    assert mydocker("logs", "told").stdout == "hello\n"
    mydocker("rm", "told")
    mydocker("run", "--name", "plain", "busybox", "echo", "hello")
    assert mydocker("logs", "--details", "plain").stdout == " hello\n"
    mydocker("rm", "plain")


@pytest.mark.parametrize("option", ["labels-regex=(", "tag={{.Nope}}", "compress=true", "size=1m"])
def test_options_of_a_log_that_mean_nothing(mydocker: Machine, option: str) -> None:
    refused = mydocker("create", "--log-opt", option, "busybox")
    assert refused.rc == 1 or refused.rc == 125
    assert option.partition("=")[0] in refused.stderr
    assert mydocker("ps", "-aq").stdout == ""
