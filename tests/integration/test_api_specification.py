"""Requests by chance, made from docker's own specification of the API: none may find a defect of ours, and none leaves anything.

    tox -e specification -- --specification v1.41.yaml [--seconds N]

The specification is not ours to keep; schemathesis makes the requests from it. It speaks TCP only, so each connection is passed on to the
service's socket.
"""

from __future__ import annotations

import re
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import Machine
from services import Service

# They wait for something that does not happen here, ask other machines, or say in docker's words that there is none of it (503).
WAITING = "pause|logs|attach|stats|wait|events|ws|checkpoint|rename"
ELSEWHERE = "distribution|auth|search|swarm|nodes|services|tasks|secrets|configs|plugins"
# Most requests would name nothing that is there.
NAMES = '[parameters]\n"path.id" = "web"\n"path.name" = "busybox"\n'


@pytest.fixture
def specification(request: pytest.FixtureRequest) -> str:
    """The file that was asked for."""
    path = request.config.getoption("--specification")
    if not path:
        pytest.skip("--specification names no file")
    return str(Path(path).resolve(strict=True))


def test_requests_by_chance_find_no_defect(mydocker: Machine, service: Service, specification: str, request: pytest.FixtureRequest) -> None:
    mydocker("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000000")
    Path(mydocker.directory, "schemathesis.toml").write_text(NAMES)
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program, "schemathesis is not installed"
    with forwarded(service.path) as port:
        version = re.findall(r"v?([0-9.]+)[.]yaml$", specification)[0]
        where = [specification, "--url", f"http://127.0.0.1:{port}/v{version}"]
        bounds = ["--request-timeout", "5", "--max-time", str(request.config.getoption("--seconds")), "-n", "10"]
        what = ["--checks", "not_a_server_error", "--exclude-method", "DELETE", "--exclude-path-regex", f"/({WAITING}|{ELSEWHERE})"]
        done = subprocess.run(
            [program, "run", *where, *bounds, *what, "--suppress-health-check", "all", "--continue-on-failure"],
            cwd=mydocker.directory,
            capture_output=True,
            text=True,
        )
    print(done.stdout)
    errors = Path(mydocker.directory, "state/errors")
    assert not errors.exists() or not list(errors.iterdir()), "a request found a defect"
    assert "test cases" in done.stdout.lower(), done.stderr
    # The registries of others are not there: only that they cannot be reached may be an error of the server's.
    told = re.findall(r"\[5[0-9]{2}\] [^\n]*\n\s*`?([^\n]*)", done.stdout)
    assert [each for each in told if "name resolution" not in each] == []
    remove_all(mydocker)


def remove_all(mydocker: Machine) -> None:
    """Remove what the requests made."""
    mydocker("rm", "-f", "-v", *mydocker("ps", "-aq").stdout.split())
    for kind in ("volume", "network"):
        mydocker(kind, "prune", "-f", *(["-a"] if kind == "volume" else []))
    for image in mydocker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split():
        if image != "busybox:latest":
            mydocker("rmi", "-f", image)
    mydocker("run", "--rm", "busybox", "true")  # has the default bridge made again, which the next test finds as this one did


@contextmanager
def forwarded(path: str) -> Iterator[int]:
    """Yield a TCP port of which each connection is passed on to a socket of the file system."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=_accept, args=(server, path))
        accepting.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(server: socket.socket, path: str) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return  # it was shut down
        threading.Thread(target=_serve, args=(client, path), daemon=True).start()


def _serve(client: socket.socket, path: str) -> None:
    """Pass a connection on in both directions, until one side is done."""
    with client, socket.socket(socket.AF_UNIX) as own, suppress(OSError):
        own.connect(path)
        others = {client: own, own: client}
        while True:
            for ready in select.select(list(others), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                others[ready].sendall(data)
