"""What kind types to make a cluster of containers: with docker's client on our socket, and with mydocker in docker's place.

kind itself calls `docker` for everything. Its lines are in pkg/cluster/internal/providers/docker, pkg/cluster/nodeutils and
pkg/build/nodeimage; its node image cannot be had here. So a node is an image of busybox whose entrypoint does what kind's own does with
mounts, devices and cgroups, and whose kubeadm and ctr only say what they were given.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest
from conftest import Machine
from services import Service, needs_docker

NODE = {
    "Dockerfile": """FROM busybox
COPY entrypoint kubeadm ctr /usr/local/bin/
RUN chmod +x /usr/local/bin/*; mkdir -p /kind /etc/kubernetes /var/log; echo v1.34.0 > /kind/version; echo old > /var/kept
ENTRYPOINT ["/usr/local/bin/entrypoint", "sleep", "1000"]
""",
    "entrypoint": """#!/bin/sh -e
test -e /dev/kmsg
mount -o remount,ro /sys
mount --make-rshared /
echo "INFO: $(grep -c shared: /proc/self/mountinfo) mounts are shared"
mkdir -p /sys/fs/cgroup 2> /dev/null || true
mkdir -p /var/lib/snapshots/lower /var/lib/snapshots/upper /var/lib/snapshots/work /run/root
mount -t overlay overlay -o lowerdir=/var/lib/snapshots/lower,upperdir=/var/lib/snapshots/upper,workdir=/var/lib/snapshots/work /run/root
mknod /tmp/device b 7 0
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link add dummy0 type bridge
echo "cgroups: $(cut -d: -f3 /proc/self/cgroup | sort -u | tr '\\n' ' ')"
echo "kubeconfig: $KUBECONFIG, pid $$, at $(hostname)"
echo "Reached target Multi-User System."
exec "$@"
""",
    "kubeadm": '#!/bin/sh\necho "kubeadm $*"; cat /kind/kubeadm.conf; echo made > /etc/kubernetes/admin.conf\n',
    "ctr": '#!/bin/sh\necho "ctr $*"; tar t | grep manifest.json\n',
}
LABEL = "io.x-k8s.kind.cluster"
COMMON = (
    f"--detach --tty --label {LABEL}=kind --net kind --restart=on-failure:1 --init=false --cgroupns=private"
    " --sysctl=net.ipv6.conf.all.disable_ipv6=0 --sysctl=net.ipv6.conf.all.forwarding=1"
)
# What a node gets, and its role.
RUN = (
    "docker run --name kind-{role} --hostname kind-{role} --label io.x-k8s.kind.role={role} --privileged --security-opt seccomp=unconfined"
    " --security-opt apparmor=unconfined --tmpfs /tmp --tmpfs /run --volume /var --volume /lib/modules:/lib/modules:ro"
    " -e KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER {common} {more} kindest/node:v1.34.0"
)
CREATE = "docker network create -d=bridge -o com.docker.network.bridge.enable_ip_masquerade=true -o com.docker.network.driver.mtu=1500"
PORTS = '{{ with (index (index .NetworkSettings.Ports "6443/tcp") 0) }}{{ printf "%s\\t%s" .HostIp .HostPort }}{{ end }}'
ID = "[0-9a-f]{12}\n"
# Lines as kind types them until the nodes run, and what they print (a regular expression).
NODES = [
    ("docker info --format '{{json .}}'", '.*"CgroupDriver": ?"cgroupfs".*"SecurityOptions": ?\\[.*'),
    ("docker info --format \"'{{json .SecurityOptions}}'\"", "'\\[.*\\]'\n"),
    ("docker info -f '{{.Driver}}'", "(overlay2?|vfs|aufs)\n"),
    ("docker info -f '{{json .DriverStatus }}'", "\\[.*\\]\n"),
    (f"docker ps -a --filter label={LABEL}=kind --format '{{{{.Names}}}}'", ""),
    ("docker inspect --type=image kindest/node:v1.34.0 > /dev/null && echo here", "here\n"),
    ("docker network ls --filter=name=^kind$ --format={{.ID}}", ""),
    ("docker network inspect bridge -f '{{ index .Options \"com.docker.network.driver.mtu\" }}'", "1500\n|\n"),
    (f"{CREATE} --ipv6 --subnet fc00:f853:ccd:e793::/64 kind", "[0-9a-f]{64}\n"),
    ("docker network ls --filter=name=^kind$ --format={{.ID}}", ID),
    (
        'docker network inspect -f \'{{range (index (index . "IPAM") "Config")}}{{index . "Subnet"}} {{end}}\' kind',
        "[0-9./]+ fc00:f853:ccd:e793::/64 \n",
    ),
    (
        RUN.format(role="control-plane", common=COMMON, more="--publish=127.0.0.1:46443:6443/TCP -e KUBECONFIG=/etc/kubernetes/admin.conf"),
        "[0-9a-f]{64}\n",
    ),
    (RUN.format(role="worker", common=COMMON, more="--volume=$PWD/node:/host:ro"), "[0-9a-f]{64}\n"),
]
# What takes an image in a node.
IMPORT = "ctr --namespace=k8s.io images import --all-platforms --digests --snapshotter=overlayfs -"
# What kind waits for in a node's log, which it follows until then.
READY = "Reached target .*Multi-User System.*|detected cgroup v1"
# What a node says before: kind's own needs all of this.
SAID = [
    "INFO: [1-9][0-9]* mounts are shared",
    "cgroups: /",
    "kubeconfig: /etc/kubernetes/admin.conf, pid 1, at kind-control-plane",
    READY,
]
# Lines afterwards, until the cluster is removed.
CLUSTER = [
    (f"docker ps -a --filter label={LABEL} --format '{{{{.Label \"{LABEL}\"}}}}' | sort -u", "kind\n"),
    (f"docker ps -a --filter label={LABEL}=kind --format '{{{{.Names}}}}' | sort", "kind-control-plane\nkind-worker\n"),
    ("docker inspect --format '{{ index .Config.Labels \"io.x-k8s.kind.role\"}}' kind-worker", "worker\n"),
    (
        "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}},{{.GlobalIPv6Address}}{{end}}' kind-worker",
        "[0-9.]+,fc00:f853:ccd:e793::[0-9a-f]+\n",
    ),
    ("docker exec --privileged kind-control-plane cat /kind/version", "v1.34.0\n"),
    ("docker exec --privileged kind-control-plane mkdir -p /kind", ""),
    ("echo 'kind: ClusterConfiguration' | docker exec --privileged -i kind-control-plane cp /dev/stdin /kind/kubeadm.conf", ""),
    (
        "docker exec --privileged kind-control-plane kubeadm init --config=/kind/kubeadm.conf --skip-token-print --v=6",
        "kubeadm init --config=/kind/kubeadm.conf --skip-token-print --v=6\nkind: ClusterConfiguration\n",
    ),
    ("docker exec --privileged kind-control-plane cat /etc/kubernetes/admin.conf", "made\n"),
    ("echo made > node/new", ""),
    ("docker exec --privileged kind-worker ping -c 1 kind-control-plane > /dev/null && echo found", "found\n"),
    ("docker exec --privileged kind-worker sh -c 'mkdir /mnt; mount -t tmpfs none /mnt; grep -c /mnt /proc/mounts'", "1\n"),
    ("docker exec --privileged kind-worker cat /var/kept /host/new", "old\nmade\n"),
    ("docker inspect --format '{{ index .Config.Labels \"desktop.docker.io/ports/6443/tcp\" }}' kind-control-plane", "\n"),
    (f"docker inspect --format '{PORTS}' kind-control-plane", "127.0.0.1\t46443\n"),
    ("docker image inspect -f '{{ .Id }}' busybox:latest", "sha256:[0-9a-f]{64}\n"),
    ("docker save -o image.tar busybox:latest", ""),
    (f"docker exec --privileged -i kind-worker {IMPORT} < image.tar", f"{IMPORT}\nmanifest.json\n"),
    ("docker exec --privileged kind-worker sh -c 'tar -C /var/log/ -chf - . || (r=$?; [ $r -eq 1 ] || exit $r)' | tar t", "./\n"),
    ("docker logs kind-worker | tail -n 1", "Reached target Multi-User System.\r\n"),
    ("docker network create kind 2>&1 || true", "(Error response from daemon|mydocker): network with name kind already exists\n"),
    (
        f"{CREATE} --ipv6 --subnet fc00:f853:ccd:e793::/64 other 2>&1 || true",
        "(Error response from daemon: Pool overlaps with other one on this address space|mydocker: subnet .* overlaps).*",
    ),
    ("docker rm -f -v kind-control-plane kind-worker", "kind-control-plane\nkind-worker\n"),
    ("docker volume ls -q", ""),
    ("docker network rm kind", "kind\n"),
]


@pytest.fixture(params=["docker", "mydocker"])
def docker(request: pytest.FixtureRequest, mydocker: Machine, service: Service) -> str:
    """The words that stand for docker in a shell: docker's client on our socket, or mydocker."""
    if request.param == "docker":
        needs_docker()
        return service.words
    return mydocker.prefixed


@pytest.fixture
def node(mydocker: Machine) -> Iterator[None]:
    """The image of a node."""
    for name, text in NODE.items():
        mydocker.sh(f"mkdir -p node; cat > node/{name} <<'END'\n{text}END")
    built = mydocker("build", "-q", "-t", "kindest/node:v1.34.0", "node")
    assert built.rc == 0, built.stderr
    yield
    for name in mydocker("ps", "-aq").stdout.split():
        mydocker("rm", "-f", "-v", name)
    mydocker("network", "rm", "kind")
    mydocker("rmi", "kindest/node:v1.34.0")
    mydocker("builder", "prune", "-f")


def test_what_kind_types(needs_controllers: None, mydocker: Machine, docker: str, node: None) -> None:
    type_(mydocker, docker, NODES)
    told = []
    with subprocess.Popen([*docker.split(), "logs", "-f", "kind-control-plane"], stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        for line in following.stdout:
            told.append(line.rstrip())
            if re.search(READY, line):
                following.terminate()
    assert len(told) == len(SAID) and all(map(re.fullmatch, SAID, told)), told
    type_(mydocker, docker, CLUSTER)


def type_(mydocker: Machine, docker: str, lines: list[tuple[str, str]]) -> None:
    """Type lines, each of which has to print what is expected."""
    for line, expected in lines:
        found = mydocker.sh(f'docker() {{ {docker} "$@"; }}; {line}')
        assert (found.rc, re.fullmatch(expected, found.stdout, re.DOTALL) is not None) == (0, True), (line, found.stdout, found.stderr)
