"""What engines ask of mydocker-oci for services: systemd in a container, sd_notify, pods from YAML, privileged containers, builds."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import Machine, wait_until
from test_oci_engines import LIMITS, Engine, archive, docker, dockerd, needs, needs_pods, podman  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("mydocker")

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  containers:
  - name: one
    image: localhost/busybox:latest
    imagePullPolicy: Never
    env: [{name: PATH, value: /bin}]
    command: [sh, -c, "echo first > /data/file; cat /data/file; id -u; touch /x || echo read-only; exec sleep 1000"]
    resources: {limits: {memory: 64Mi}}
    securityContext: {readOnlyRootFilesystem: true, runAsUser: 1000, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, emptyDir: {}}]
"""


def test_podman_gives_systemd_what_it_wants(podman: Engine, needs_controllers: None) -> None:  # noqa: F811
    own = "/sys/fs/cgroup/systemd" if Path("/sys/fs/cgroup/systemd").exists() else "/sys/fs/cgroup"
    script = f"echo $container; mkdir {own}/below && rmdir {own}/below && stat -fc %T /run /run/lock /tmp"
    said = podman.ok("run", "--rm", "--systemd=always", *LIMITS, "busybox", "sh", "-c", script).splitlines()
    assert said == ["podman", "tmpfs", "tmpfs", "tmpfs"]


def test_podman_hears_from_a_container_that_it_is_ready(podman: Engine, tmp_path: Path) -> None:  # noqa: F811
    engine = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with engine, open("/dev/null", "r+b") as null:
        engine.bind(f"{tmp_path}/systemd")
        engine.settimeout(30)
        flags = ["run", "-d", "--name", "one", "--sdnotify=container", *LIMITS, "busybox", "sleep", "1000"]
        environment = {**os.environ, "NOTIFY_SOCKET": f"{tmp_path}/systemd"}
        run = subprocess.Popen([*podman.words, *flags], env=environment, stdin=null, stdout=null, stderr=null)
        try:
            pid = wait_until(lambda: podman("inspect", "-f", "{{.State.Pid}}", "one").stdout.strip().lstrip("0"), 30)
            variables = Path(f"/proc/{pid}/environ")
            wait_until(lambda: b"NOTIFY_SOCKET=" in variables.read_bytes(), 30)
            inside = next(pair for pair in variables.read_text().split("\0") if pair.startswith("NOTIFY_SOCKET="))
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as program:
                path = f"/proc/{pid}/root{inside.partition('=')[2]}"
                wait_until(lambda: os.path.exists(path), 30)
                program.connect(path)
                program.send(b"READY=1")
            said = ""
            while "READY=1" not in said:
                said += engine.recv(4096).decode()
            assert run.wait(30) == 0
        finally:
            run.kill()
            run.wait()


def test_podman_makes_pods_from_yaml(podman: Engine, archive: str, tmp_path: Path, needs_controllers: None, needs_pods: None) -> None:  # noqa: F811
    podman.ok("import", "-q", "-c", 'CMD ["/bin/sleep", "1000"]', archive, "infra")
    settings = Path(podman.words[1].partition("=")[2])
    settings.write_text(settings.read_text() + 'infra_image = "localhost/infra"\n')
    (tmp_path / "pod.yaml").write_text(POD)
    podman.ok("play", "kube", f"{tmp_path}/pod.yaml")
    wait_until(lambda: "read-only" in podman.ok("logs", "web-one"))
    first, user, *refused = podman.ok("logs", "web-one").splitlines()
    assert (first, user) == ("first", "1000")
    assert "read-only" in refused
    podman.ok("play", "kube", "--down", f"{tmp_path}/pod.yaml")
    assert podman.ok("ps", "-aq") == ""


def test_podman_without_cgroups(podman: Engine, runtime_program: str) -> None:  # noqa: F811
    settings = Path(podman.words[1].partition("=")[2])
    more = f'runtime_supports_nocgroup = ["mydocker"]\n[engine.runtimes]\nmydocker = ["{runtime_program}"]\n'
    settings.write_text(settings.read_text() + more)
    engine = Engine(podman.machine, [*podman.words, "--runtime", "mydocker"])
    assert engine.ok("run", "--rm", "--cgroups=disabled", *LIMITS, "busybox", "echo", "hello") == "hello"


def test_podman_keeps_the_groups_of_its_caller(podman: Engine) -> None:  # noqa: F811
    engine = Engine(podman.machine, ["setpriv", "--groups", "7,8", *podman.words])
    assert engine.ok("run", "--rm", "--group-add", "keep-groups", *LIMITS, "busybox", "id", "-G") == "0 7 8"


def test_podman_devices_in_a_user_namespace(podman: Engine) -> None:  # noqa: F811
    flags = ["--uidmap", "0:100000:5000", "--gidmap", "0:100000:5000", "--device", "/dev/zero:/dev/other"]
    script = "head -c 3 /dev/other | wc -c; stat -c %u:%g:%t:%T /dev/other"
    assert podman.ok("run", "--rm", *flags, *LIMITS, "busybox", "sh", "-c", script).split() == ["3", "0:0:1:5"]


def test_docker_privileged_and_with_the_hosts_cgroups(docker: Engine, needs_controllers: None) -> None:  # noqa: F811
    script = "mkdir /mnt && mount -t tmpfs none /mnt && echo mounted; ls /dev/kmsg; echo 1 > /proc/sys/net/ipv4/ip_forward && echo set"
    said = docker.ok("run", "--rm", "--privileged", "busybox", "sh", "-c", script).splitlines()
    assert said == ["mounted", "/dev/kmsg", "set"]
    hierarchy = next(path for path in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/pids", "/sys/fs/cgroup") if Path(path).exists())
    flags = ["-v", f"{hierarchy}:{hierarchy}:ro", "--tmpfs", "/run"]
    assert docker.ok("run", "--rm", *flags, "busybox", "sh", "-c", f"ls {hierarchy}/cgroup.procs; stat -fc %T /run").endswith("tmpfs")


def test_docker_with_users_of_their_own(mydocker: Machine, runtime_program: str, archive: str, tmp_path: Path) -> None:  # noqa: F811
    lines = {"passwd": "remap:x:64000:64000::/:/bin/false", "group": "remap:x:64000:"}
    lines |= {"subuid": "remap:200000:65536", "subgid": "remap:200000:65536"}
    for name, line in lines.items():
        host = Path("/etc", name)
        (tmp_path / name).write_text((host.read_text() if host.exists() else "") + line + "\n")
        if not host.exists():
            pytest.skip(f"{host} is missing")
    before = "; ".join(f"mount --bind {tmp_path}/{name} /etc/{name}" for name in lines)
    with dockerd(mydocker, runtime_program, archive, before, "--userns-remap remap:remap") as engine:
        assert engine.ok("run", "--rm", "busybox", "cat", "/proc/self/uid_map").split() == ["0", "200000", "65536"]
        script = "stat -c %u:%g:%t:%T /dev/other; head -c 3 /dev/other | wc -c; cat /proc/self/oom_score_adj"
        flags = ["--device", "/dev/zero:/dev/other", "--oom-score-adj", "100", "--ulimit", "core=5:6"]
        assert engine.ok("run", "--rm", *flags, "busybox", "sh", "-c", script).split() == ["0:0:1:5", "3", "100"]
        engine.ok("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        assert engine.ok("exec", "one", "id", "-u") == "0"
        engine.ok("rm", "-f", "one")


def test_buildah_builds_a_containerfile(mydocker: Machine, runtime_program: str, archive: str, tmp_path: Path) -> None:  # noqa: F811
    needs(mydocker, "buildah")
    context = tmp_path / "context"
    context.mkdir()
    (context / "root.tar").write_bytes(Path(archive).read_bytes())
    lines = ["FROM scratch", "ADD root.tar /", "RUN echo built > /made && id -u > /who", "USER 1000", "WORKDIR /tmp", "RUN id -u > where"]
    (context / "Containerfile").write_text("\n".join(lines))
    places = ["--root", f"{tmp_path}/root", "--runroot", f"{tmp_path}/run", "--storage-driver", "vfs"]
    buildah = Engine(mydocker, ["buildah", *places])
    flags = ["--runtime", runtime_program, "--isolation", "oci", "--network", "none", "--cgroupns", "host", "-t", "made"]
    buildah.ok("bud", *flags, str(context))
    container = buildah.ok("from", "--pull-never", "localhost/made")
    root = buildah.ok("mount", container)
    try:
        assert [Path(root, name).read_text() for name in ("made", "who", "tmp/where")] == ["built\n", "0\n", "1000\n"]
    finally:
        buildah.ok("umount", container)
        buildah.ok("rm", container)
