#!/bin/sh
# Write into a directory what shows the state that a machine is in, for whoever reads it after a failure elsewhere. Nothing is
# changed; what cannot be had leaves its error in its file.
#
#   vm/collect.sh DIRECTORY
#
# MYDOCKER_ROOT and MYDOCKER_STATE say where mydocker's files are, as for mydocker; the tests' own in /tmp are found.
set -u

[ $# = 1 ] || { echo "collect: expected one argument, the directory to write to" >&2; exit 1; }
mkdir -p "$1" || exit 1
cd "$1" || exit 1
MYDOCKER=${MYDOCKER_COMMAND:-/usr/local/bin/mydocker}
# Nothing here may hang on what is broken.
DEADLINE=${DEADLINE:-60}

into() {
    name=$1
    shift
    timeout -k 5 "$DEADLINE" "$@" > "$name" 2>&1 </dev/null || echo "(exit status $?: $*)" >> "$name"
}

# Every path below is small: records, bundles, logs; not layers, nor what containers wrote.
files() {
    for root in "${MYDOCKER_ROOT:-/var/lib/mydocker}" "${MYDOCKER_STATE:-/run/mydocker}" /tmp/mydocker-test-*; do
        [ -d "$root" ] || continue
        find "$root" -xdev \( -name layers -o -name blobs -o -name upper -o -name rootfs -o -name _data \) -prune -o -type f -size -1024k -print0
    done | tar --null --files-from=- --ignore-failed-read -czf mydocker.tar.gz
}

into journal.txt journalctl -b --no-pager -o short-precise
into dmesg.txt dmesg
into system.txt sh -c 'uname -a; cat /etc/os-release /proc/cmdline /proc/uptime /proc/meminfo; df -h; dpkg -l'
into mounts.txt cat /proc/self/mountinfo
into cgroups.txt sh -c 'cat /proc/cgroups; find /sys/fs/cgroup -name cgroup.procs -exec grep -H . {} +'
into cgroup-directories.txt find /sys/fs/cgroup -type d
into links.txt sh -c 'ip -d link; ip address; ip route; ip -6 route; lsns'
into rules.txt nft list ruleset
into processes.txt ps axwwf -o pid,ppid,pgid,sid,user,stat,wchan:20,lstart,time,args
# shellcheck disable=SC2016 # expanded by the inner shell
into stacks.txt sh -c 'for stack in /proc/[0-9]*/stack; do echo "$stack"; cat "$stack"; done'
# shellcheck disable=SC2016
into mydocker.txt sh -c '"$0" info; "$0" ps -a --no-trunc; "$0" images; "$0" network ls; "$0" system check' "$MYDOCKER"
files > files.txt 2>&1
