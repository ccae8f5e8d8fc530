#!/bin/sh
# Runs as root in a guest of vm/recordings.py: records it in one cgroup layout after another.
#
#   recordings.sh DIRECTORY NAME LAYOUT [NAME LAYOUT...]
#
# DIRECTORY is shared with the host, has record.py, and gets NAME.txt. LAYOUT is v2, hybrid or v1, in this order: what a later one mounts
# takes its controllers away from an earlier one; `here` leaves things as the guest's init has made them, `container` is a container on those.
set -u

directory=$1
shift

# Each controller alone.
v1() {
    awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups | while read -r controller; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || rmdir "/sys/fs/cgroup/$controller"
    done
}

layout() {
    umount -R /sys/fs/cgroup
    case $1 in
        v2) mount -t cgroup2 cgroup2 /sys/fs/cgroup ;;
        hybrid)
            mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
            v1
            mkdir /sys/fs/cgroup/unified
            mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
            ;;
        v1)
            mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
            v1
            ;;
    esac
}

# crun's own config.json, with this machine's files as its root.
container() {
    bundle=/run/bundle
    mkdir -p "$bundle/rootfs"
    cp "$directory/record.py" /root/record.py
    mount --bind / "$bundle/rootfs"
    (cd "$bundle" && crun spec && python3 - <<'END'
import json
with open("config.json") as file:
    spec = json.load(file)
spec["process"].update(terminal=False, args=["python3", "/root/record.py"])
with open("config.json", "w") as file:
    json.dump(spec, file)
END
    crun --cgroup-manager cgroupfs run recorded)
    umount "$bundle/rootfs"
}

for module in overlay veth bridge br_netfilter; do modprobe -q "$module"; done
while [ $# -gt 1 ]; do
    echo "recording $1" >&2
    case $2 in
        here) python3 "$directory/record.py" > "$directory/$1.txt" ;;
        container) container > "$directory/$1.txt" ;;
        *) layout "$2" && python3 "$directory/record.py" > "$directory/$1.txt" ;;
    esac
    shift 2
done
: > "$directory/end"
