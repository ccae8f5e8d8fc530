"""The units of the API under a systemd that runs: it is the init of a container of mydocker's, which has the programs of this machine.

Nothing but the targets of the machine's units is there, and what in /proc/sys is the whole kernel's is read-only: systemd would raise
limits.
"""

from __future__ import annotations

import io
import os
import socket
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Machine, wait_until
from services import Service

SYSTEMD = "/usr/lib/systemd/systemd"
UNITS = Path("/usr/lib/systemd/system")
PLACE = "etc/systemd/system"
# What the container has of its own, and what no program of the machine lies in.
OWN = {"proc", "sys", "dev", "run", "etc", "var"}
NEEDLESS = {"boot", "mnt", "media", "lost+found"}
FILES = {
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\ndocker:x:106:\nnogroup:x:65534:\n",
}
READ_ONLY = "for each in fs kernel vm; do mount --bind /proc/sys/$each /proc/sys/$each; mount -o remount,bind,ro /proc/sys/$each; done"
INIT = f"{READ_ONLY}; exec {SYSTEMD}"
SOCKET, SERVICE = "mydocker-api.socket", "mydocker-api.service"
PATIENCE = 60


def root() -> bytes:
    """Return a tar of a root directory: places for the machine's directories, its symlinks, and the units that systemd begins with."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for entry in sorted(os.scandir("/"), key=lambda entry: entry.name):
            if entry.is_dir() and entry.name not in NEEDLESS:
                _add(archive, entry.name, link=os.readlink(entry) if entry.is_symlink() else "")
        targets = {f"{PLACE}/{path.name}": path.read_text() for path in UNITS.glob("*.target") if not path.is_symlink()}
        for name, text in {**FILES, **targets}.items():
            _add(archive, name, text=text)
        _add(archive, f"{PLACE}/default.target", link="multi-user.target")
    return packed.getvalue()


def _add(archive: tarfile.TarFile, name: str, link: str = "", text: str | None = None) -> None:
    member = tarfile.TarInfo(name)
    member.type = tarfile.SYMTYPE if link else tarfile.DIRTYPE if text is None else tarfile.REGTYPE
    data = (text or "").encode()
    member.linkname, member.size, member.mode = link, len(data), 0o755 if text is None else 0o644
    archive.addfile(member, io.BytesIO(data))


class Booted:
    """A machine that has booted, and its systemd."""

    def __init__(self, mydocker: Machine) -> None:
        self.mydocker = mydocker
        path = f"/proc/{mydocker.pid('booted')}/root/run/mydocker/docker.sock"
        self.path = Path(path)
        self._asked = Service.__new__(Service)  # it is not started here
        self._asked.path = path

    def __call__(self, *words: str, env: tuple[str, ...] = ()) -> str:
        """Execute a command there that has to succeed, and return what it prints."""
        flags = [word for each in env for word in ("-e", each)]
        found = self.mydocker("exec", *flags, "booted", *words)
        assert found.rc == 0, (words, found.stdout, found.stderr)
        return found.stdout

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask the API, as Service.ask()."""
        return self._asked.ask(method, path, body)

    def shows(self, unit: str, key: str) -> str:
        """Return what systemd says of a unit."""
        return self("systemctl", "show", "--value", "-p", key, unit).strip()

    def is_quiet(self) -> bool:
        """Say whether the service has ended."""
        return self.shows(SERVICE, "ActiveState") == "inactive"

    def containers(self) -> list[str]:
        """Return the names of the containers that run there."""
        return self("/var/prefix/bin/mydocker", "ps", "--format", "{{.Names}}").split()


@pytest.fixture
def booted(mydocker: Machine) -> Iterator[Booted]:
    """The machine, with the units that vm/provision.sh installs and an image."""
    if not os.path.exists(SYSTEMD):
        pytest.skip("systemd is not installed")
    packed = Path(mydocker.directory, "root.tar")
    packed.write_bytes(root())
    assert mydocker("import", "root.tar", "booted:1").rc == 0
    os.mkdir(f"{mydocker.directory}/inner")
    names = [each.name for each in os.scandir("/") if each.is_dir(follow_symlinks=False) and each.name not in OWN | NEEDLESS]
    volumes = [f"-v{mydocker.directory}/inner:/var/lib/mydocker", *(f"-v/{name}:/{name}:ro" for name in names)]
    flags = ["--privileged", "--network", "none", "--tmpfs", "/run", "-e", "container=mydocker", "-e", f"SYSTEMD_UNIT_PATH=/{PLACE}"]
    made = mydocker("run", "-d", "--name", "booted", *flags, *volumes, "booted:1", "sh", "-ec", INIT)
    assert made.rc == 0, made.stderr
    try:
        machine = Booted(mydocker)
        wait_until(lambda: mydocker("exec", "booted", "systemctl", "is-system-running").stdout in ("running\n", "degraded\n"), PATIENCE)
        machine("sh", "-c", f"mkdir -p /var/prefix/bin && ln -s {mydocker.command} /var/prefix/bin/mydocker")
        machine(f"{REPOSITORY}/vm/provision.sh", "service", "image", env=("PREFIX=/var/prefix", "TMPDIR=/run"))
        yield machine
    finally:
        mydocker("rm", "-f", "-v", "booted")
        mydocker("rmi", "-f", "booted:1")


def test_the_units_of_the_api(booted: Booted) -> None:
    # Root enables it, and then the first client starts it.
    assert booted.shows(SOCKET, "UnitFileState") == "disabled"
    booted("systemctl", "enable", "--now", SOCKET)
    assert (booted.shows(SOCKET, "ActiveState"), booted.shows(SERVICE, "ActiveState")) == ("active", "inactive")
    found = booted.path.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o660, 0, 106)
    assert booted.ask("GET", "/version")[1]["Platform"] == {"Name": "mydocker"}
    first = booted.shows(SERVICE, "MainPID")

    # It ends when nobody asks, and what it has started stays.
    wanted = {"Image": "busybox", "Cmd": ["sh", "-c", "trap 'exit 3' TERM; sleep 1000 & wait"], "HostConfig": {"NetworkMode": "none"}}
    assert booted.ask("POST", "/containers/create?name=stays", wanted)[0] == 201
    status, told = booted.ask("POST", "/containers/stays/start")
    assert status == 204, told
    assert booted.shows(SERVICE, "MainPID") == first
    wait_until(booted.is_quiet, PATIENCE)
    assert booted.shows(SERVICE, "Result") == "success"
    assert booted.containers() == ["stays"]

    # The next client starts it again.
    assert booted.ask("GET", "/containers/json")[1][0]["Names"] == ["/stays"]
    second = booted.shows(SERVICE, "MainPID")
    assert second not in ("0", first)

    # It is killed: the next client starts another one.
    booted("kill", "-9", second)
    wait_until(lambda: booted.shows(SERVICE, "ActiveState") == "failed", PATIENCE)
    assert booted.shows(SOCKET, "ActiveState") == "active"
    assert booted.ask("GET", "/containers/json")[1][0]["State"] == "running"
    assert booted.shows(SERVICE, "MainPID") not in ("0", second)

    # It is stopped, and the socket too: nobody is answered any more, and the container stays.
    booted("systemctl", "stop", SOCKET, SERVICE)
    assert (booted.shows(SOCKET, "ActiveState"), booted.shows(SERVICE, "ActiveState")) == ("inactive", "inactive")
    with closing(socket.socket(socket.AF_UNIX)) as client, pytest.raises(OSError):
        client.connect(str(booted.path))
    assert booted.containers() == ["stays"]

    # Its monitor is still there, too: somebody has seen how it ended.
    booted("/var/prefix/bin/mydocker", "stop", "stays")
    assert booted("/var/prefix/bin/mydocker", "inspect", "-f", "{{.State.ExitCode}}", "stays") == "3\n"
    booted("/var/prefix/bin/mydocker", "rm", "stays")
