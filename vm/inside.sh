#!/bin/sh
# Runs as root in a guest of vm/kernels.py: makes the machine that a row of the matrix asks for and runs the tests on it.
#
#   inside.sh DIRECTORY LAYOUT FACTOR SIT [PYTEST ARGUMENT...]
#
# DIRECTORY is shared with the host. It has tree.tar, and `rows`: on each line a storage driver, a blank, and the tests as pytest's -m
# takes them. Results go there: DRIVER.xml, DRIVER.log, DRIVER.status (pytest's exit status) or DRIVER.reason (why not), after a failure
# state/, and last `end`, whose absence says that the machine did not live to its end.
set -u

directory=$1 layout=$2 factor=$3 sit=$4
shift 4
LIBRARY=/usr/local/lib/mydocker

say() { printf 'inside: %s\n' "$*"; }

v1() {
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups | while read -r controller; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || rmdir "/sys/fs/cgroup/$controller"
    done
}

# As systemd of Ubuntu 20.04 mounts it: some controllers together, a hierarchy of its own without any, and version 2 beside them.
systemd() {
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for names in none,name=systemd cpu,cpuacct net_cls,net_prio blkio cpuset devices freezer hugetlb memory perf_event pids rdma; do
        place=/sys/fs/cgroup/${names#none,name=}
        mkdir "$place"
        mount -t cgroup -o "$names" cgroup "$place" 2>/dev/null || rmdir "$place"
    done
    mkdir /sys/fs/cgroup/unified
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
}

cgroups() {
    mountpoint -q /sys/fs/cgroup && umount /sys/fs/cgroup
    case $layout in
        v1) v1 ;;
        systemd) systemd ;;
        v2) mount -t cgroup2 cgroup2 /sys/fs/cgroup ;;
        hybrid) v1 && mkdir /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified ;;
    esac
}

# Run one row's tests. Its standard input is the list of rows, which tests must not read.
row() {
    driver=$1 status=0
    shift
    say "$layout, $driver"
    if ! grep -qw "$driver" /proc/filesystems && [ "$driver" != vfs ]; then
        echo "this kernel has no $driver" > "$directory/$driver.reason"
        return
    fi
    MYDOCKER_STORAGE_DRIVER=$driver MYDOCKER_TEST_TIMEOUT_FACTOR=$factor "$LIBRARY/tests/bin/python" -m pytest -p no:cacheprovider \
        --junitxml="$directory/$driver.xml" "$@" < /dev/null > "$directory/$driver.log" 2>&1 || status=$?
    echo $status > "$directory/$driver.status"
    [ $status = 0 ] || failed
}

failed() {
    sh vm/collect.sh "$directory/state" >/dev/null 2>&1
    [ "$sit" = 0 ] || { say "sitting: waiting for you"; wait "$shell"; }
}

# A shell on the serial line that the host's side of it is told about.
shell() { setsid sh -c 'while :; do sh -i </dev/ttyS1 >/dev/ttyS1 2>&1; done'; }

uname -r > "$directory/release"
# It is there from the beginning, for a test that hangs.
[ "$sit" = 0 ] || { shell & shell=$!; }
cgroups
for module in overlay aufs veth bridge br_netfilter; do modprobe -q "$module"; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /root/mydocker && tar -C /root/mydocker -xf "$directory/tree.tar"
cd /root/mydocker || exit 1
while read -r driver selection; do
    row "$driver" -m "$selection" "$@"
done < "$directory/rows"
: > "$directory/end"
