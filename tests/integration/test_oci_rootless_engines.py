"""Rootless podman with mydocker-oci: an ordinary user's engine runs it as the root of a user namespace, which is not the host's root."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Machine
from test_oci_engines import LIMITS, Engine, archive, needs  # noqa: F401 - a fixture
from test_oci_rootless import own_copy

USER = 64322
FIRST = 400000


@pytest.fixture
def places(mydocker: Machine, tmp_path: Path) -> Iterator[str]:
    """Return what leads into a mount namespace in which the user has an account and ids to map, which podman looks up by name."""
    account = f"rootless:x:{USER}:{USER}::{mydocker.directory}/home:/bin/sh\n"
    ids = f"rootless:{FIRST}:65536\n"
    group = f"rootless:x:{USER}:\n"
    files = {"passwd": Path("/etc/passwd").read_text() + account, "group": Path("/etc/group").read_text() + group}
    for name, text in {**files, "subuid": ids, "subgid": ids}.items():
        (tmp_path / name).write_text(text)
    binds = "; ".join(f"mount --bind {tmp_path}/{name} /etc/{name}" for name in ("passwd", "group", "subuid", "subgid"))
    # What slirp4netns opens, which everybody may open on most hosts.
    binds += f"; mknod -m 666 {tmp_path}/tun c 10 200 && mount --bind {tmp_path}/tun /dev/net/tun"
    line = f"{binds}; echo ready; exec sleep 100000"
    with subprocess.Popen(["unshare", "--mount", "--propagation", "slave", "sh", "-c", line], stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout
        assert keeper.stdout.readline() == b"ready\n"
        yield f"nsenter --target {keeper.pid} --mount"
        keeper.kill()


@pytest.fixture
def podman(mydocker: Machine, places: str, archive: str) -> Iterator[Engine]:  # noqa: F811
    """Podman as that user, with storage of its own."""
    needs(mydocker, "podman", "conmon", "newuidmap")
    home = Path(mydocker.directory, "home")
    home.mkdir()
    program = own_copy(home)
    (home / "run").mkdir()
    settings = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nlock_type = "file"\n'
    (home / "containers.conf").write_text(settings)
    subprocess.run(["cp", archive, home / "archive"], check=True)
    subprocess.run(["chown", "-R", f"{USER}:{USER}", home], check=True)
    user = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "env", "-i", "-C", str(home)]
    user += [f"HOME={home}", f"XDG_RUNTIME_DIR={home}/run", f"CONTAINERS_CONF={home}/containers.conf", "PATH=/usr/bin:/bin"]
    flags = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", program]
    engine = Engine(mydocker, [*places.split(), *user, "podman", *flags])
    engine.ok("import", "-q", str(home / "archive"), "busybox")
    yield engine
    engine("rm", "-af", "-t", "0")
    pause = home / "run/libpod/tmp/pause.pid"
    if pause.exists():
        os.kill(int(pause.read_text()), signal.SIGKILL)
    mydocker.sh(f"{places} rm -rf {home}")


def test_containers_run_are_entered_and_end(podman: Engine) -> None:
    assert podman.ok("run", "--rm", *LIMITS, "busybox", "sh", "-c", "id -u; cat /proc/self/uid_map").split()[:5] == [
        "0",
        "0",
        str(USER),
        "1",
        "1",
    ]
    assert podman("run", "--rm", *LIMITS, "busybox", "sh", "-c", "exit 9").rc == 9
    assert podman("run", "--rm", *LIMITS, "busybox", "nosuch").rc == 127
    assert podman.on_terminal("run", "--rm", "-it", *LIMITS, "busybox", "tty") == "/dev/pts/0"
    podman.ok(
        "run", "-d", "--name", "one", *LIMITS, "--health-cmd", "test -e /well", "--health-interval", "disable", "busybox", "sleep", "1000"
    )
    assert podman("exec", "one", "sh", "-c", "exit 4").rc == 4
    assert podman.on_terminal("exec", "-it", "one", "tty") == "/dev/pts/0"
    assert podman.ok("exec", "-u", "33:44", "one", "sh", "-c", "id -u; id -g").split() == ["33", "44"]
    assert podman("healthcheck", "run", "one").rc == 1
    podman.ok("exec", "one", "touch", "/well")
    assert podman("healthcheck", "run", "one").rc == 0
    podman.ok("restart", "-t", "0", "one")
    podman.ok("kill", "one")
    podman.ok("rm", "-f", "-t", "0", "one")


def test_a_user_namespace_within_the_users_own(podman: Engine) -> None:
    show = ["busybox", "sh", "-c", "id -u; cat /proc/self/uid_map"]
    assert podman.ok("run", "--rm", *LIMITS, "--userns", "keep-id", *show).split()[0] == str(USER)
    mapped = podman.ok("run", "--rm", *LIMITS, "--uidmap", "0:1:1000", "--gidmap", "0:1:1000", *show)
    assert mapped.split() == ["0", "0", "1", "1000"]


def test_a_score_for_the_oom_killer(podman: Engine) -> None:
    show = ["--oom-score-adj", "500", "busybox", "cat", "/proc/self/oom_score_adj"]
    assert podman.ok("run", "--rm", *LIMITS, *show) == "500"
    assert podman.ok("run", "--rm", *LIMITS, "--uidmap", "0:1:1000", "--gidmap", "0:1:1000", *show) == "500"


def test_pods_and_builds(podman: Engine) -> None:
    infra = ["--infra-image", "localhost/busybox", "--infra-command", "/bin/sleep 1000", "--network", "none"]
    podman.ok("pod", "create", "--name", "pod", *infra)
    podman.ok("run", "-d", "--name", "one", *LIMITS[:4], "--pod", "pod", "busybox", "sleep", "1000")
    assert podman.ok("exec", "one", "hostname") == "pod"
    podman.ok("pod", "rm", "-f", "-t", "0", "pod")
    home = next(word.removeprefix("HOME=") for word in podman.words if word.startswith("HOME="))
    Path(home, "Dockerfile").write_text("FROM localhost/busybox\nRUN echo built > /file\n")
    podman.ok("build", "--isolation", "oci", *LIMITS, "-t", "made", "-f", f"{home}/Dockerfile", f"{home}/run")
    assert podman.ok("run", "--rm", *LIMITS, "made", "cat", "/file") == "built"


@pytest.mark.parametrize(("network", "link"), [("slirp4netns", "tap0"), ("bridge", "eth0")])
def test_networks_of_an_ordinary_user(podman: Engine, network: str, link: str) -> None:
    needs(podman.machine, "slirp4netns")
    if podman.machine.sh("ls /dev/net/tun").rc:
        pytest.skip("this machine has no /dev/net/tun")
    show = [*LIMITS[:4], "--network", network, "busybox", "ip", "-o", "-4", "address", "show", link]
    assert f" {link} " in podman.ok("run", "--rm", *show)
