"""The Docker Engine API: docker's own client, raw requests, and what is left when the service is killed."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Machine, wait_until
from services import Service, UnixConnection, needs_docker


@pytest.fixture
def docker(service: Service) -> Service:
    """A service that docker's client asks."""
    needs_docker()
    return service


@pytest.fixture
def web(mydocker: Machine, service: Service) -> Iterator[str]:
    """A container that runs, made by the API."""
    status, made = service.ask("POST", "/containers/create?name=web", {"Image": "busybox", "Cmd": ["sleep", "1000"]})
    assert status == 201, made
    assert service.ask("POST", "/containers/web/start") == (204, None)
    yield "web"
    mydocker("rm", "-f", "web")


# docker's client


@pytest.mark.parametrize(
    ("words", "stdin", "expected"),
    [
        (["run", "--rm", "busybox", "echo", "hi"], "", (0, "hi\n", False)),
        (["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3"], "", (3, "out\n", True)),
        (["run", "--rm", "-i", "busybox", "cat"], "input\n", (0, "input\n", False)),
        (["run", "--rm", "busybox", "nosuch"], "", (127, "", True)),
        (["run", "--rm", "busybox", "/etc"], "", (126, "", True)),
        (["run", "--rm", "--memory", "1k", "busybox", "true"], "", (125, "", True)),
        (["run", "--rm", "-e", "A=b", "-w", "/tmp", "-u", "7:8", "-h", "box", "busybox", "sh", "-c", "echo $A; pwd; id -u; hostname"], "",
         (0, "b\n/tmp\n7\nbox\n", False)),
    ],
)  # fmt: skip
def test_run(docker: Service, words: list[str], stdin: str, expected: tuple[int, str, bool]) -> None:
    found = docker.docker(*words, stdin=stdin)
    assert (found.rc, found.stdout, bool(found.stderr)) == expected, found.stderr
    assert docker.machine("ps", "-aq").stdout == ""


def test_no_byte_of_a_short_run_is_lost(docker: Service) -> None:
    script = f"for i in $(seq 30); do {docker.words} run --rm --network none busybox echo $i; done"
    found = docker.machine.sh(script)
    assert found.stdout.split() == [str(number) for number in range(1, 31)], found.stderr


def test_much_input_comes_back_whole(docker: Service) -> None:
    script = f"head -c 3000000 /dev/urandom > big; {docker.words} run --rm -i --network none busybox cat < big | cmp - big && echo same"
    assert docker.machine.sh(script).stdout == "same\n"


def test_a_terminal_has_the_client_s_size(docker: Service) -> None:
    from conftest import Terminal

    script = "until stty size | grep 33; do :; done; read x; echo got $x"
    words = [*docker.words.split(), "run", "--rm", "-it", "--network", "none", "busybox", "sh", "-c", script]
    with Terminal(words, dict(os.environ), (33, 99)) as terminal:
        terminal.expect("33 99")
        terminal.send("word\n")
        terminal.expect("got word")
        assert terminal.wait() == 0


def test_the_verbs_of_every_day(docker: Service) -> None:
    machine, began = docker.machine, str(time.time())
    assert docker.docker("run", "-d", "--name", "web", "busybox", "sh", "-c", "echo up; exec sleep 1000").rc == 0
    assert docker.docker("ps", "--format", "{{.Names}} {{.State}}").stdout == "web running\n"
    assert wait_until(lambda: docker.docker("logs", "web").stdout) == "up\n"
    found = docker.docker("exec", "web", "sh", "-c", "echo a; echo b >&2; exit 4")
    assert (found.rc, found.stdout, found.stderr) == (4, "a\n", "b\n")
    machine.sh("echo hello > file")
    assert docker.docker("cp", "file", "web:/tmp/new").rc == 0
    assert docker.docker("exec", "web", "cat", "/tmp/new").stdout == "hello\n"
    assert docker.docker("cp", "web:/tmp/new", "back").rc == 0
    assert machine.sh("cat back").stdout == "hello\n"
    assert "sleep 1000" in docker.docker("top", "web").stdout
    assert "web" in docker.docker("stats", "--no-stream", "web").stdout
    assert docker.docker("inspect", "-f", "{{.State.Status}} {{.Config.Image}}", "web").stdout == "running busybox\n"
    assert docker.docker("rename", "web", "old").rc == docker.docker("pause", "old").rc == 0
    assert docker.docker("exec", "old", "true").rc == 1
    assert docker.docker("unpause", "old").rc == docker.docker("update", "--cpu-shares", "512", "old").rc == 0
    waiting = subprocess.Popen([*docker.words.split(), "wait", "old"], stdout=subprocess.PIPE, text=True)
    assert docker.docker("stop", "-t", "0", "old").rc == 0
    assert waiting.communicate(timeout=20)[0] == "137\n"
    assert docker.docker("diff", "old").stdout == "C /tmp\nA /tmp/new\n"
    told = docker.docker("events", "--since", began, "--until", str(int(time.time()) + 1), "--format", "{{.Action}}").stdout
    assert [line for line in told.split("\n") if line in ("create", "start", "pause", "die")] == ["create", "start", "pause", "die"]
    assert docker.docker("rm", "old").rc == 0
    assert machine("ps", "-aq").stdout == ""


def test_images_and_builds(docker: Service) -> None:
    machine = docker.machine
    machine.sh("mkdir b; echo content > b/f")
    machine.sh("printf 'FROM busybox\\nARG A\\nENV B=$A\\nRUN echo building $B\\nCOPY f /f\\nCMD cat /f\\n' > b/Dockerfile")
    built = docker.docker("build", "-t", "built:1", "--build-arg", "A=7", "b")
    assert built.rc == 0, built.stderr
    assert "building 7" in built.stdout
    assert docker.docker("run", "--rm", "built:1").stdout == "content\n"
    assert re.fullmatch("sha256:[0-9a-f]{64}\n", docker.docker("build", "-q", "b").stdout)
    failed = docker.docker("build", "-", stdin="FROM busybox\nRUN exit 3\n")
    assert (failed.rc, failed.stderr) == (3, "The command '/bin/sh -c exit 3' returned a non-zero code: 3\n")
    assert {"built:1", "busybox:latest"} <= set(machine("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split())
    assert machine.sh(f"{docker.words} save built:1 -o saved.tar").rc == docker.docker("rmi", "built:1").rc == 0
    assert docker.docker("load", "-i", "saved.tar").stdout == "Loaded image: built:1\n"
    assert docker.docker("tag", "built:1", "other:2").rc == 0
    docker.docker("run", "--name", "made", "built:1", "touch", "/new")
    assert docker.docker("commit", "made", "committed:1").rc == docker.docker("rm", "made").rc == 0
    assert docker.docker("run", "--rm", "committed:1", "ls", "/new").stdout == "/new\n"
    assert "content" in docker.docker("history", "--no-trunc", "built:1").stdout or docker.docker("history", "built:1").rc == 0
    assert docker.docker("rmi", "-f", "built:1", "other:2", "committed:1").rc == docker.docker("image", "prune", "-f").rc == 0
    assert docker.docker("builder", "prune", "-f").rc == 0
    assert machine("images", "-aq").stdout.count("\n") == 1


def test_networks_and_volumes(docker: Service) -> None:
    assert docker.docker("network", "create", "--label", "a=b", "back").rc == 0
    assert (
        docker.docker("run", "-d", "--name", "db", "--network", "back", "--network-alias", "database", "busybox", "sleep", "1000").rc == 0
    )
    assert docker.docker("run", "--rm", "--network", "back", "busybox", "ping", "-c", "1", "database").rc == 0
    assert (
        docker.docker("network", "disconnect", "back", "db").rc == docker.docker("network", "connect", "--alias", "x", "back", "db").rc == 0
    )
    assert docker.docker("run", "--rm", "--network", "back", "busybox", "ping", "-c", "1", "x").rc == 0
    assert docker.docker("rm", "-f", "db").rc == docker.docker("network", "rm", "back").rc == 0
    assert docker.docker("volume", "create", "--label", "a=b", "data").stdout == "data\n"
    assert docker.docker("run", "--rm", "-v", "data:/d", "busybox", "touch", "/d/x").rc == 0
    assert docker.docker("run", "--rm", "-v", "data:/d", "busybox", "ls", "/d").stdout == "x\n"
    assert docker.docker("volume", "ls", "-q", "--filter", "label=a=b").stdout == "data\n"
    assert docker.docker("volume", "rm", "data").rc == 0
    assert docker.docker("system", "df").rc == 0


# Truth with the command line


def test_each_side_sees_what_the_other_does(mydocker: Machine, service: Service) -> None:
    assert mydocker("run", "-d", "--name", "ours", "--label", "side=ours", "busybox", "sleep", "1000").rc == 0
    try:
        _, listed = service.ask("GET", "/containers/json")
        assert [each["Names"] for each in listed] == [["/ours"]]
        assert service.ask("POST", "/containers/ours/pause")[0] == 204
        assert mydocker("ps", "--format", "{{.Status}}").stdout.strip().endswith("(Paused)")
        assert mydocker("unpause", "ours").rc == 0
        assert service.ask("GET", "/containers/ours/json")[1]["State"]["Status"] == "running"
    finally:
        mydocker("rm", "-f", "ours")
    assert service.ask("GET", "/containers/ours/json")[0] == 404


def test_raw_bytes_do_not_come_together_with_the_head_of_their_answer(mydocker: Machine, service: Service) -> None:
    """docker-py reads the head with a buffer and then from the socket itself, so it would lose them."""
    mydocker("run", "--name", "told", "busybox", "echo", "hello")
    asked = "POST /v1.41/containers/told/attach?logs=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(service.path)
            client.settimeout(20)
            client.sendall(asked.encode())
            first = client.recv(4096)
            assert first.startswith(b"HTTP/1.1 101 ") and first.endswith(b"\r\n\r\n"), first
            assert client.recv(4096).endswith(b"hello\n")
    mydocker("rm", "told")


def test_an_attached_client_sees_all_of_a_start_by_the_command_line(mydocker: Machine, service: Service) -> None:
    service.ask("POST", "/containers/create?name=job", {"Image": "busybox", "Cmd": ["echo", "all of it"], "AttachStdout": True})
    connection = UnixConnection(service.path)
    connection.connect()
    connection.sock.sendall(
        b"POST /v1.41/containers/job/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    assert connection.sock.recv(65536).startswith(b"HTTP/1.1 101 ")
    assert mydocker("start", "job").rc == 0
    data = b""
    while piece := connection.sock.recv(65536):
        data += piece
    connection.close()
    assert data == b"\x01\0\0\0\0\0\0\x0aall of it\n"
    assert mydocker("rm", "job").rc == 0


# Raw requests


def test_what_is_done_already_is_304(service: Service, web: str) -> None:
    assert service.ask("POST", "/containers/web/start")[0] == 304
    assert service.ask("POST", "/containers/web/stop?t=0")[0] == 204
    assert service.ask("POST", "/containers/web/stop?t=0")[0] == 304


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/containers/create", {"Image": "nosuch"}, 404, "No such image: nosuch:latest"),
        ("POST", "/containers/create?name=web", {"Image": "busybox"}, 409, "in use"),
        ("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"NetworkMode": "no/such"}}, 400, "no/such"),
        ("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"VolumesFrom": ["nosuch"]}}, 400, "nosuch"),
        ("POST", "/containers/create?name=bad!", {"Image": "busybox"}, 400, "invalid name"),
        ("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"Memory": 1}}, 400, "too small"),
        ("POST", "/containers/create", {"Image": "busybox", "Tty": "yes"}, 400, "invalid Tty"),
        ("DELETE", "/containers/web", None, 409, "You cannot remove a running container"),
        ("POST", "/containers/web/unpause", None, 409, "not paused"),
        ("POST", "/containers/web/kill?signal=NOPE", None, 400, "NOPE"),
        ("POST", "/containers/web/resize?h=a&w=1", None, 400, "invalid h"),
        ("POST", "/containers/web/exec", {"Cmd": []}, 400, "No exec command"),
        ("POST", "/containers/web/wait?condition=never", None, 400, "invalid condition"),
        ("GET", "/containers/web/archive?path=/nosuch", None, 404, "/nosuch"),
        ("GET", "/containers/web/logs", None, 400, "choose at least one stream"),
        ("GET", "/containers/web/top?ps_args=-o comm", None, 400, "PID"),
        ("POST", "/containers/web/rename?name=x", None, 400, "invalid name"),
        ("POST", "/networks/create", {"Name": "bridge"}, 403, "predefined bridge network"),
        ("DELETE", "/networks/bridge", None, 403, "pre-defined"),
        ("POST", "/volumes/create", {"Name": "v1", "Driver": "nfs"}, 404, "nfs"),
        ("DELETE", "/images/busybox", None, 409, "uses its image"),
        ("POST", "/images/create?fromSrc=http://x", None, 400, "invalid fromSrc"),
        ("POST", "/build", {"no": "tar"}, 400, "invalid context"),
        ("POST", "/networks/create", {"Name": "n" * 300}, 400, "File name too long"),
    ],
)
def test_what_is_refused_changes_nothing(
    mydocker: Machine, service: Service, web: str, method: str, path: str, body: Any, status: int, words: str
) -> None:
    before = mydocker.snapshot()
    found, told = service.ask(method, path.replace(" ", "%20"), body)
    assert (found, words in told["message"]) == (status, True), told
    assert mydocker.left_since(before) == []


def test_an_exec_s_exit_code_is_there_when_its_stream_ends(service: Service, web: str) -> None:
    for _ in range(10):
        status, made = service.ask("POST", "/containers/web/exec", {"Cmd": ["sh", "-c", "echo x; exit 4"], "AttachStdout": True})
        assert status == 201
        status, data, _ = service.raw("POST", f"/exec/{made['Id']}/start", b"{}")
        assert (status, data) == (200, b"\x01\0\0\0\0\0\0\x02x\n")
        found = service.ask("GET", f"/exec/{made['Id']}/json")[1]
        assert (found["Running"], found["ExitCode"]) == (False, 4)
        assert service.ask("POST", f"/exec/{made['Id']}/start", {})[0] == 409


def test_a_detached_exec_runs_on(service: Service, web: str) -> None:
    made = service.ask("POST", "/containers/web/exec", {"Cmd": ["sleep", "1000"]})[1]
    assert service.ask("POST", f"/exec/{made['Id']}/start", {"Detach": True})[0] == 200
    assert service.ask("GET", f"/exec/{made['Id']}/json")[1]["Running"] is True
    assert service.ask("GET", "/containers/web/json")[1]["ExecIDs"] == [made["Id"]]


def test_an_exec_s_terminal_gets_its_size(service: Service, web: str) -> None:
    wanted = {"Cmd": ["sh", "-c", "read x; stty size"], "Tty": True, "AttachStdin": True, "AttachStdout": True}
    made = service.ask("POST", "/containers/web/exec", wanted)[1]
    connection = UnixConnection(service.path)
    connection.connect()
    connection.sock.sendall(
        f"POST /v1.41/exec/{made['Id']}/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n".encode()
        + b'{"Tty":true}'
    )
    assert connection.sock.recv(65536).startswith(b"HTTP/1.1 101 ")
    wait_until(lambda: service.ask("POST", f"/exec/{made['Id']}/resize?h=33&w=99")[0] == 200)
    connection.sock.sendall(b"\n")
    data = b""
    while piece := connection.sock.recv(65536):
        data += piece
    connection.close()
    assert b"33 99" in data


def test_wait_sees_the_shortest_run(service: Service, mydocker: Machine) -> None:
    for number in range(20):
        service.ask("POST", "/containers/create?name=short", {"Image": "busybox", "Cmd": ["sh", "-c", f"exit {number}"]})
        connection = UnixConnection(service.path)
        connection.connect()
        connection.sock.sendall(b"POST /v1.41/containers/short/wait?condition=next-exit HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert service.ask("POST", "/containers/short/start")[0] == 204
        data = connection.sock.recv(65536)
        connection.close()
        assert json.loads(data.split(b"\r\n")[1]) == {"Error": None, "StatusCode": number}
        assert service.ask("DELETE", "/containers/short?force=1")[0] == 204


def test_wait_for_the_removal(service: Service) -> None:
    service.ask("POST", "/containers/create?name=gone", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"AutoRemove": True}})
    answers: list[tuple[int, Any]] = []
    waiting = threading.Thread(target=lambda: answers.append(service.ask("POST", "/containers/gone/wait?condition=removed")))
    waiting.start()
    wait_until(lambda: service.machine.sh("ls root/containers/*/waiting").stdout)
    assert service.ask("POST", "/containers/gone/start")[0] == 204
    waiting.join(20)
    assert answers == [(200, {"Error": None, "StatusCode": 0})]
    assert service.ask("GET", "/containers/gone/json")[0] == 404


def test_archives(service: Service, web: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("new")
        member.size, member.uid = 5, 7
        archive.addfile(member, io.BytesIO(b"hello"))
    headers = {"Content-Type": "application/x-tar"}
    assert service.raw("PUT", "/containers/web/archive?path=/tmp", packed.getvalue(), headers=headers)[0] == 200
    status, data, _ = service.raw("GET", "/containers/web/archive?path=/tmp/new")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        (found,) = archive.getmembers()
        assert (status, found.name, found.size, found.uid) == (200, "new", 5, 7)
    status, data, sent = service.raw("HEAD", "/containers/web/archive?path=/tmp")
    assert (status, data) == (200, b"")
    assert "X-Docker-Container-Path-Stat" in sent
    status, data, _ = service.raw("PUT", "/containers/web/archive?path=/etc/hosts", packed.getvalue(), headers=headers)
    assert status == 400
    status, data, _ = service.raw("PUT", "/containers/web/archive?path=/nosuch", packed.getvalue(), headers=headers)
    assert status == 404


def test_an_archive_has_the_name_that_was_asked_for(mydocker: Machine, service: Service) -> None:
    """A path that ends in a slash means the directory behind a symlink, and the tar names it as the path does."""
    script = "mkdir -p /a/b && echo x > /a/b/file && ln -s b /a/link && ln -s link /a/again && ln -s / /a/root && ln -s b/file /a/leaf"
    mydocker("run", "--name", "links", "--network", "none", "busybox", "sh", "-c", script)

    def names(path: str) -> list[str]:
        status, data, _ = service.raw("GET", f"/containers/links/archive?path={path}")
        assert status == 200, data
        # tarfile takes the slash from a directory's name.
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return [member.name for member in archive.getmembers()]

    assert names("/a/b") == names("a/b/") == ["b", "b/file"]
    assert names("/a/link") == ["link"]
    assert names("/a/link/") == ["link", "link/file"]
    assert names("/a/again/") == ["again", "again/file"]
    assert {"root", "root/a/b/file", "root/a/link"} <= set(names("/a/root/"))
    assert {"", "/a/b/file"} <= set(names("/"))
    assert names("/a/b/.") == [".", "./file"]
    assert names("/a/link/../b") == names("/../a/b/c/..") == ["b", "b/file"]
    assert "/a/b/file" in names("/a/..")
    status, answer = service.ask("GET", "/containers/links/archive?path=/a/leaf/")
    assert (status, answer["message"]) == (400, "not a directory: /a/b/file/")
    mydocker("rm", "links")


def test_files_become_the_users_if_the_client_says_so(mydocker: Machine, service: Service) -> None:
    mydocker("run", "-d", "--name", "mail", "-u", "mail", "--network", "none", "busybox", "sleep", "600")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("new"))
    for flag, owner in (("0", "0:0\n"), ("1", "8:8\n")):
        line = f"/containers/mail/archive?path=/tmp&copyUIDGID={flag}"
        assert service.raw("PUT", line, packed.getvalue(), headers={"Content-Type": "application/x-tar"})[0] == 200
        assert mydocker("exec", "mail", "stat", "-c", "%u:%g", "/tmp/new").stdout == owner
    mydocker("rm", "-f", "mail")


def test_events_and_logs_come_as_they_happen_and_nobody_waits_for_a_client_that_left(mydocker: Machine, service: Service, web: str) -> None:
    streams = []
    for path in ("/events?filters=" + '{"event":["die"]}', "/containers/web/logs?stdout=1&follow=1", "/containers/web/stats"):
        connection = UnixConnection(service.path)
        connection.connect()
        connection.sock.sendall(f"GET /v1.41{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        streams.append(connection)
    children = f"/proc/{service.process.pid}/task/{service.process.pid}/children"
    wait_until(lambda: len(mydocker.sh(f"cat {children}").stdout.split()) == 3)
    mydocker("kill", "web")
    assert b'"Action":"die"' in streams[0].sock.recv(65536)
    for connection in streams:
        connection.close()
    wait_until(lambda: mydocker.sh(f"cat {children}").stdout.split() == [])


# The service itself


def test_it_ends_when_nobody_has_asked(mydocker: Machine) -> None:
    started = Service(mydocker, "--time", "1")
    assert started.process.wait(20) == 0
    assert not os.path.exists(started.path)


def test_a_client_that_is_connected_keeps_it(mydocker: Machine) -> None:
    started = Service(mydocker, "--time", "1")
    connection = UnixConnection(started.path)
    connection.connect()
    with pytest.raises(subprocess.TimeoutExpired):
        started.process.wait(2)
    connection.close()
    assert started.process.wait(20) == 0


def test_only_root_and_the_group_reach_it(service: Service) -> None:
    status = os.stat(service.path)
    assert status.st_mode & 0o777 == 0o660
    assert status.st_uid == 0


def test_two_at_one_address(mydocker: Machine, service: Service) -> None:
    found = mydocker("system", "service", service.address)
    assert (found.rc, found.stderr) == (1, f"mydocker: another service listens at {service.path}\n")
    service.process.kill()
    service.process.wait()
    assert os.path.exists(service.path)
    service.start()
    assert service.ask("GET", "/version")[0] == 200


def test_two_services_at_once(mydocker: Machine, service: Service) -> None:
    other = Service.__new__(Service)
    other.machine, other.env = mydocker, {}
    other.path = f"{mydocker.directory}/other.sock"
    other.address = f"unix://{other.path}"
    other.start()
    try:
        assert service.ask("POST", "/containers/create?name=both", {"Image": "busybox", "Cmd": ["sleep", "1000"]})[0] == 201
        assert other.ask("POST", "/containers/both/start")[0] == 204
        assert service.ask("DELETE", "/containers/both?force=1")[0] == 204
        assert other.ask("GET", "/containers/json?all=1") == (200, [])
    finally:
        other.stop()


def test_a_socket_is_passed_on(mydocker: Machine) -> None:
    path = f"{mydocker.directory}/passed.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def activated() -> None:
        os.dup2(listener.fileno(), 3)
        os.environ.update({"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), **mydocker.environment})
        os.execv(mydocker.command, [mydocker.command, "system", "service", "--time", "1"])

    pid = os.fork()
    if pid == 0:
        activated()
    asked = Service.__new__(Service)
    asked.path = path
    assert asked.ask("GET", "/version")[1]["Platform"] == {"Name": "mydocker"}
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert os.path.exists(path)  # it is the activator's
    listener.close()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:2375", "/run/x.sock", "unix://relative", "unix:///" + "x" * 200])
def test_addresses_that_are_none(mydocker: Machine, address: str) -> None:
    found = mydocker("system", "service", address)
    assert found.rc == 1
    assert found.stderr.startswith(f"mydocker: invalid address {address!r}: expected ")


def test_so_many_connections_and_no_more(mydocker: Machine, service: Service) -> None:
    from mydocker.api.service import MOST_CHILDREN

    held = []
    for _ in range(MOST_CHILDREN):
        connection = UnixConnection(service.path)
        held.append(connection)
        connection.connect()
        connection.sock.sendall(b"GET ")  # a client that goes no further
    children = f"/proc/{service.process.pid}/task/{service.process.pid}/children"
    wait_until(lambda: len(mydocker.sh(f"cat {children}").stdout.split()) == MOST_CHILDREN)
    status, told = service.ask("GET", "/version")
    assert (status, told["message"]) == (503, f"too many connections: the service answers {MOST_CHILDREN} at once")
    for connection in held:
        connection.close()
    wait_until(lambda: mydocker.sh(f"cat {children}").stdout.split() == [])
    assert service.ask("GET", "/version")[0] == 200


# Crashes


@pytest.mark.parametrize("step", [9, 10, 11, 12, 14, 16, 18])
def test_a_child_that_dies_while_it_creates_leaves_nothing(mydocker: Machine, step: int) -> None:
    started = Service(mydocker, env={"MYDOCKER_CRASH_AFTER": f"api:{step}"})
    before = mydocker.snapshot()
    try:
        with pytest.raises((ConnectionResetError, OSError)) if step < 17 else _maybe():
            started.ask("POST", "/containers/create?name=half", {"Image": "busybox", "Cmd": ["true"]})
    finally:
        started.stop()
    mydocker("system", "check", "--repair")
    mydocker("rm", "-f", "half")
    assert [line for line in mydocker.left_since(before) if "/volumes" not in line] == []


class _maybe:
    """A context in which an OSError may or may not happen: the last step may be before this one."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> bool:
        return kind is None or issubclass(kind, OSError)


def test_containers_outlive_a_service_that_is_killed(mydocker: Machine, service: Service, web: str) -> None:
    before = mydocker.pid("web")
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    assert mydocker.pid("web") == before
    assert mydocker("exec", "web", "true").rc == 0
    service.start()
    assert service.ask("GET", "/containers/web/json")[1]["State"]["Pid"] == before
    assert service.ask("POST", "/containers/web/stop?t=0")[0] == 204


def test_a_build_whose_child_is_killed_leaves_nothing(mydocker: Machine, service: Service) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        text = b"FROM busybox\nRUN sleep 1000\n"
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    before = mydocker.snapshot()
    building = threading.Thread(target=lambda: _ignoring(service, packed.getvalue()))
    building.start()
    children = f"/proc/{service.process.pid}/task/{service.process.pid}/children"
    wait_until(lambda: mydocker("ps", "-q").stdout)
    for pid in mydocker.sh(f"cat {children}").stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    building.join(20)
    for name in mydocker("ps", "-aq").stdout.split():
        mydocker("rm", "-f", name)
    mydocker("system", "check", "--repair")
    assert mydocker.left_since(before) == []


def _ignoring(service: Service, body: bytes) -> None:
    try:
        service.raw("POST", "/build", body, headers={"Content-Type": "application/x-tar"})
    except (OSError, ValueError):
        return
    except Exception as error:  # http.client has errors of its own for an answer that ends too early
        assert "Incomplete" in type(error).__name__, error
