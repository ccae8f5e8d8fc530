"""Pods as a kubelet asks for them: containerd's CRI plugin with mydocker-oci behind a runtime handler, driven by crictl."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from changes import file_in_container
from conftest import REPOSITORY, Machine, wait_until
from test_oci_engines import Engine, needs, wait_until_it_answers

pytestmark = pytest.mark.usefixtures("mydocker")

# restrict_oom_score_adj: the sandbox gets -998, which needs CAP_SYS_RESOURCE.
SETTINGS = """
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/infra:latest"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{place}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "mydocker"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mydocker]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mydocker.options]
        BinaryName = "{runtime}"
"""
ADDRESSES = {"type": "host-local", "subnet": "10.88.7.0/24"}
BRIDGE = {"cniVersion": "0.4.0", "name": "pods", "type": "bridge", "bridge": "cni0", "isGateway": True}


@pytest.fixture
def cri(mydocker: Machine, runtime_program: str, tmp_path: Path) -> Iterator[Engine]:
    """A containerd with the CRI plugin, in network and mount namespaces of its own, with busybox and an image for sandboxes."""
    needs(mydocker, "containerd", "ctr", "crictl", "/usr/lib/cni/bridge")
    place, socket = Path(mydocker.directory), f"{mydocker.directory}/sock"
    (place / "containerd.toml").write_text(SETTINGS.format(place=place, runtime=runtime_program))
    (place / "cni").mkdir()
    network = {**BRIDGE, "ipam": {**ADDRESSES, "dataDir": f"{tmp_path}/addresses"}}
    (place / "cni/pods.conf").write_text(json.dumps(network))
    places = f"--root {tmp_path}/root --state {tmp_path}/state --address {socket}"
    line = f"ip link set lo up; exec containerd --config {place}/containerd.toml {places} > {tmp_path}/log 2>&1"
    crictl = Engine(
        mydocker, ["crictl", "--timeout", "30s", "--runtime-endpoint", f"unix://{socket}", "--image-endpoint", f"unix://{socket}"]
    )
    daemon = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", line])
    try:
        wait_until_it_answers(daemon, crictl, tmp_path / "log")
        _import_images(mydocker, socket, tmp_path)
        yield crictl
    finally:
        crictl("rmp", "--all", "--force")
        daemon.terminate()
        daemon.wait(30)
        mydocker.sh("rmdir /sys/fs/cgroup/*/k8s.io 2>/dev/null; true")


def _import_images(mydocker: Machine, socket: str, place: Path) -> None:
    """Give containerd busybox, and as infra the same with a command that stays."""
    assert mydocker("create", "--name", "infra", "busybox").rc == 0
    assert mydocker("commit", "--change", 'CMD ["/bin/sleep", "100000"]', "infra", "infra").rc == 0
    assert mydocker("save", "-o", f"{place}/images.tar", "busybox", "infra").rc == 0
    assert mydocker("rm", "infra").rc == 0
    assert mydocker("rmi", "infra").rc == 0
    Engine(mydocker, ["ctr", "--address", socket, "-n", "k8s.io"]).ok("image", "import", "--snapshotter", "native", f"{place}/images.tar")


class Pod:
    """A pod sandbox with the runtime handler of mydocker-oci."""

    def __init__(self, cri: Engine, place: Path, **linux: Any) -> None:
        self.cri = cri
        self.place = place
        place.mkdir()
        config = {"metadata": {"name": "web", "uid": "1", "namespace": "default", "attempt": 0}, "log_directory": str(place)}
        self.config = self._file("pod", {**config, "hostname": "web", "linux": linux})
        self.id = cri.ok("runp", "--runtime", "mydocker", self.config)

    def _file(self, name: str, content: object) -> str:
        (self.place / f"{name}.json").write_text(json.dumps(content))
        return f"{self.place}/{name}.json"

    def create(self, name: str, *command: str, **more: Any) -> str:
        """Make a container and return its id."""
        config = {"metadata": {"name": name}, "image": {"image": "busybox"}, "command": list(command), "log_path": f"{name}.log", **more}
        return self.cri.ok("create", "--no-pull", self.id, self._file(name, config), self.config)

    def start(self, name: str, *command: str, **more: Any) -> str:
        """Make and start a container and return its id."""
        made = self.create(name, *command, **more)
        self.cri.ok("start", made)
        return made

    def status(self, container: str) -> dict[str, Any]:
        """Return what the CRI says of a container."""
        told: dict[str, Any] = json.loads(self.cri.ok("inspect", container))["status"]
        return told


def test_cri_pods_run_containers_enter_them_and_keep_their_logs(cri: Engine, tmp_path: Path, needs_controllers: None) -> None:
    pod = Pod(cri, tmp_path / "pod")
    limits = {"resources": {"memory_limit_in_bytes": 64 << 20, "cpu_shares": 512}}
    one = pod.start("one", "sh", "-c", "echo first; hostname; echo second >&2; exec sleep 1000", linux=limits)
    wait_until(lambda: cri("logs", one).stderr == "second\n")
    assert cri("logs", one).stdout == "first\nweb\n"
    assert cri.ok("exec", "--sync", one, "cat", "/proc/1/comm") == "sleep"
    assert cri.ok("exec", "--sync", one, "cat", file_in_container("memory", "memory.limit_in_bytes", "memory.max")) == str(64 << 20)
    assert "exited with 7" in cri("exec", "--sync", one, "sh", "-c", "exit 7").stderr
    cri.ok("update", "--cpu-share", "256", one)
    assert "10.88.7." in json.loads(cri.ok("inspectp", pod.id))["status"]["network"]["ip"]
    assert one in cri.ok("ps", "--quiet", "--no-trunc")
    cri.ok("stop", "--timeout", "0", one)
    assert pod.status(one)["state"] == "CONTAINER_EXITED"
    cri.ok("rm", one)
    cri.ok("stopp", pod.id)
    cri.ok("rmp", pod.id)
    assert cri.ok("pods", "--quiet") == ""


def test_cri_containers_of_a_pod_share_what_the_pod_has(cri: Engine, tmp_path: Path) -> None:
    pod = Pod(cri, tmp_path / "pod", security_context={"namespace_options": {"pid": 0}})
    spaces = "for kind in net ipc uts pid; do readlink /proc/self/ns/$kind; done"
    both = [pod.start(name, "sleep", "1000", linux={"security_context": {"namespace_options": {"pid": 0}}}) for name in ("one", "two")]
    shown = [cri.ok("exec", "--sync", each, "sh", "-c", spaces) for each in both]
    assert shown[0] == shown[1]
    assert cri.ok("exec", "--sync", both[1], "sh", "-c", "grep -l sleep /proc/[0-9]*/comm | wc -l") == "3"


def test_cri_security_contexts_and_ends_are_told(cri: Engine, tmp_path: Path) -> None:
    pod = Pod(cri, tmp_path / "pod")
    tight = {"readonly_rootfs": True, "run_as_user": {"value": 1000}, "no_new_privs": True, "capabilities": {"drop_capabilities": ["ALL"]}}
    script = "id -u; touch /x || echo read-only; grep -E 'CapBnd|NoNewPrivs' /proc/self/status; exit 5"
    one = pod.start("one", "sh", "-c", script, linux={"security_context": tight})
    wait_until(lambda: pod.status(one)["state"] == "CONTAINER_EXITED")
    assert pod.status(one)["exitCode"] == 5
    said = cri.ok("logs", one).split()
    assert {"1000", "read-only", "CapBnd:", "0000000000000000", "NoNewPrivs:", "1"} <= set(said)
    assert "executable file not found" in cri("start", pod.create("none", "nosuch")).stderr


BUSYBOX: dict[str, Any] = {"image": "docker.io/library/busybox", "imagePullPolicy": "Never"}
SHARED = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
WEB = {
    "initContainers": [{**BUSYBOX, **SHARED, "name": "first", "command": ["sh", "-c", "echo made > /data/file"]}],
    "containers": [
        {
            **BUSYBOX,
            **SHARED,
            "name": "one",
            "command": ["sh", "-c", "cat /data/file && exec sleep 1000"],
            "resources": {"limits": {"memory": "64Mi"}},
            "readinessProbe": {"exec": {"command": ["test", "-e", "/data/file"]}, "periodSeconds": 1},
            "securityContext": {"runAsUser": 1000, "readOnlyRootFilesystem": True},
        },
        {**BUSYBOX, "name": "two", "command": ["httpd", "-f", "-p", "8080"]},
    ],
    "volumes": [{"name": "data", "emptyDir": {}}],
}
ONCE = {"restartPolicy": "OnFailure", "hostNetwork": True, "containers": [{**BUSYBOX, "name": "one", "command": ["true"]}]}


def test_a_kubelet_runs_static_pods(mydocker: Machine, runtime_program: str, tmp_path: Path, needs_controllers: None) -> None:
    needs(mydocker, "kubelet", "containerd", "ctr", "crictl", "/usr/lib/cni/bridge")
    for name, pod in (("web", WEB), ("once", ONCE)):
        content = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod}
        (tmp_path / f"{name}.yaml").write_text(json.dumps(content))  # JSON is YAML
    path = f"{os.path.dirname(mydocker.command)}:{os.environ['PATH']}"
    environment = {**os.environ, "RUNTIME": runtime_program, "PATH": path, "EACH": "cat /proc/1/comm"}
    words = [f"{REPOSITORY}/vm/kubelet.sh", f"{tmp_path}/web.yaml", f"{tmp_path}/once.yaml"]
    result = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    said = result.stdout.splitlines()
    assert said[:2] == ["once-node Succeeded one:terminated", "web-node Running one:running two:running"]
    assert sorted(line for line in said[2:] if line) == ["httpd", "sleep"]
