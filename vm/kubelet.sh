#!/bin/sh
# Run static pods with a kubelet, containerd's CRI and mydocker-oci, and print what becomes of each pod, as the kubelet sees it.
#
#   vm/kubelet.sh MANIFEST...
#
# As root, with containerd, ctr, crictl, curl, iproute2, the CNI plugins of Debian, mydocker and a kubelet. A manifest is a pod; its images
# are docker.io/library/busybox, which is there, with imagePullPolicy: Never. The exit status is 0 if all pods come to run or to a good end
# within DEADLINE seconds. Nothing stays: all files are in a directory of its own, all mounts and networks in namespaces of its own.
#
#   KUBELET    the kubelet [kubelet]
#   RUNTIME    mydocker-oci [the one of the PATH]
#   DEADLINE   seconds [120]
#   EACH       a shell command to execute in each container that runs then
#   WORK       a directory to keep, with the logs [a temporary one]
set -eu

KUBELET=${KUBELET:-kubelet} RUNTIME=${RUNTIME:-mydocker-oci} DEADLINE=${DEADLINE:-120}
[ $# -gt 0 ] || { echo "kubelet.sh: expected the files of one or more pods" >&2; exit 1; }
for program in "$KUBELET" containerd ctr crictl curl ip mydocker "$RUNTIME"; do
    command -v "$program" > /dev/null || { echo "kubelet.sh: $program: expected a program that is installed" >&2; exit 1; }
done
[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name 'kubepods*')" ] || { echo "kubelet.sh: expected a machine on which no kubelet runs" >&2; exit 1; }
RUNTIME=$(command -v "$RUNTIME")
if [ -z "${INSIDE:-}" ]; then
    export INSIDE=yes KUBELET RUNTIME DEADLINE
    exec unshare --mount --net --propagation private "$0" "$@"
fi

place=${WORK:-$(mktemp -d)}
socket=$place/containerd.sock
containerd="" kubelet=""
cri() { crictl --timeout 30s --runtime-endpoint "unix://$socket" --image-endpoint "unix://$socket" "$@"; }

leave() {
    set +e
    [ -z "$kubelet" ] || { kill "$kubelet" 2> /dev/null; wait "$kubelet"; }
    [ -z "$containerd" ] || { cri rmp --all --force > /dev/null; kill "$containerd"; wait "$containerd"; }
    umount /var/log 2> /dev/null
    find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} +
    rmdir /sys/fs/cgroup/k8s.io /sys/fs/cgroup/*/k8s.io 2> /dev/null
    [ -n "${WORK:-}" ] || rm -rf "$place"
}
trap leave EXIT
trap 'exit 130' INT TERM

mkdir -p "$place/pods" "$place/cni" "$place/log"
cp "$@" "$place/pods"

# The kubelet writes to these, wherever its other files are.
mount --bind "$place/log" /var/log
ip link set lo up
# It wants an address that others could reach.
ip link add node0 type veth peer name node1
ip address add 192.0.2.1/24 dev node0
ip link set node0 up
ip link set node1 up
ip route add default via 192.0.2.2

cat > "$place/cni/pods.conf" <<END
{"cniVersion": "0.4.0", "name": "pods", "type": "bridge", "bridge": "cni0", "isGateway": true,
 "ipam": {"type": "host-local", "subnet": "10.88.7.0/24", "dataDir": "$place/addresses"}}
END
cat > "$place/containerd.toml" <<END
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/infra:latest"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$place/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "mydocker"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mydocker]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mydocker.options]
        BinaryName = "$RUNTIME"
END
cat > "$place/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: $place/pods
fileCheckFrequency: 1s
syncFrequency: 2s
cgroupDriver: cgroupfs
enforceNodeAllocatable: []
oomScoreAdj: 0
failSwapOn: false
address: 127.0.0.1
readOnlyPort: 10255
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
END

# Run a command until it succeeds, at most DEADLINE seconds.
eventually() {
    end=$(($(date +%s) + DEADLINE))
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || { echo "kubelet.sh: not within $DEADLINE seconds: $*" >&2; return 1; }
        sleep 1
    done
}

ours() { mydocker --root "$place/root" --state "$place/run" "$@"; }

# Give containerd busybox and an image for sandboxes, whose command must not end.
images() {
    root=$(dirname "$0")/../mydocker/engine/system/busybox-image
    "$root" > "$place/busybox.tar"
    ours import "$place/busybox.tar" busybox > /dev/null
    ours import --change 'CMD ["/bin/sleep", "1000000"]' "$place/busybox.tar" infra > /dev/null
    ours save -o "$place/images.tar" busybox infra
    ctr --address "$socket" -n k8s.io image import --snapshotter native "$place/images.tar" > /dev/null
}

# Print a line for each pod: name, phase, and the state of each container. Fail if one of them neither runs nor has ended well.
pods() {
    curl -sf http://127.0.0.1:10255/pods > "$place/pods.json" || return 1
    python3 - "$place/pods.json" "$wanted" <<'END'
import json
import sys

pods = sorted(json.load(open(sys.argv[1]))["items"] or [], key=lambda pod: pod["metadata"]["name"])
for pod in pods:
    states = [(one["name"], next(iter(one["state"]))) for one in pod["status"].get("containerStatuses", [])]
    print(pod["metadata"]["name"], pod["status"]["phase"], *(f"{name}:{state}" for name, state in states))
ready = all(pod["status"]["phase"] in ("Running", "Succeeded") for pod in pods)
sys.exit(not ready or len(pods) < int(sys.argv[2]))
END
}

quietly() { "$@" > "$place/said" 2>&1; }

wanted=$#
containerd --config "$place/containerd.toml" --root "$place/containerd" --state "$place/tasks" --address "$socket" > "$place/containerd.log" 2>&1 &
containerd=$!
eventually quietly cri version
images
"$KUBELET" --config "$place/kubelet.yaml" --root-dir "$place/kubelet" --cert-dir "$place/certificates" --hostname-override node \
    --node-ip 192.0.2.1 --container-runtime remote --container-runtime-endpoint "unix://$socket" > "$place/kubelet.log" 2>&1 &
kubelet=$!
status=0
eventually quietly pods || status=$?
cat "$place/said"
[ -z "${EACH:-}" ] || cri ps -q | while read -r id; do cri exec -s "$id" sh -c "$EACH" || true; done
[ "$status" = 0 ]
