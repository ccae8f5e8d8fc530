"""`mydocker system service` at a socket of the tests', docker's clients that ask it, and dockerd in its place."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
from contextlib import closing
from typing import Any

import pytest
from clients import DOCKER
from conftest import Machine, Result, wait_until
from reference import Docker


class UnixConnection(http.client.HTTPConnection):
    """A connection to a socket of the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        try:
            self.sock.connect(self.path)
        except OSError:
            self.sock.close()
            raise


class Service:
    """A service that was started."""

    def __init__(self, machine: Machine, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.machine = machine
        self.path = f"{machine.directory}/docker.sock"
        self.address = f"unix://{self.path}"
        self.env = env or {}
        self.start(*arguments)

    def start(self, *arguments: str) -> None:
        """Start it, again if it has ended."""
        environment = {**os.environ, **self.machine.environment, **self.env}
        words = [self.machine.command, "system", "service", *arguments, self.address]
        self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)
        wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            self.ask("GET", "/_ping")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it as a service manager does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def ask(
        self, method: str, path: str, body: Any = None, version: str = "1.41", headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the status and the document of an answer; None for an empty one."""
        status, data, _ = self.raw(method, path, None if body is None else json.dumps(body).encode(), version, headers)
        return status, json.loads(data) if data.strip()[:1] in (b"{", b"[", b"n", b'"') else data.decode() or None

    def raw(
        self, method: str, path: str, body: bytes | None = None, version: str = "1.41", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, Any]:
        """Return the status, the body and the headers of an answer."""
        sent = {"Content-Type": "application/json", **(headers or {})} if body is not None else headers or {}
        with closing(UnixConnection(self.path)) as connection:
            connection.request(method, f"/v{version}{path}" if version else path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers

    @property
    def words(self) -> str:
        """docker's client on the socket, for a shell."""
        return f"{DOCKER} -H {self.address}"

    def docker(self, *arguments: str, stdin: str = "") -> Result:
        """Run docker's client."""
        line = f"cd {self.machine.directory}; {self.words} {shlex.join(arguments)}"
        result: Result = self.machine.host.run(f"printf %s {shlex.quote(stdin)} | ({line})" if stdin else f"({line}) < /dev/null")
        return result


class Reference(Machine):
    """dockerd in mydocker's place: its client is told what mydocker would be, and a shell is on the daemon's network."""

    def __init__(self, mydocker: Machine, dockerd: Docker) -> None:
        assert dockerd.daemon
        super().__init__(mydocker.host, DOCKER, mydocker.directory)
        self.environment = {"DOCKER_HOST": dockerd.address}
        self._inside = f"nsenter --net=/proc/{dockerd.daemon.pid}/ns/net sh -c"

    def sh(self, script: str) -> Result:
        """Run a shell script in the directory."""
        return super().sh(f"{self._inside} {shlex.quote(script)}")


def needs_docker() -> None:
    """Skip a test where docker's client is not installed."""
    if not shutil.which(DOCKER):
        pytest.skip(f"{DOCKER} is not installed")
