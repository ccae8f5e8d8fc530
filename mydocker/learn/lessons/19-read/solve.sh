here=$PWD
cd "$LESSONS/../../.." || exit
found() { echo "$1 $2:$(grep -n -m 1 -- "$3" "$2" | cut -d : -f 1)"; }
{
    found 1 mydocker/kernel/namespaces.py 'call("unshare"'
    found 2 mydocker/kernel/mounts.py 'syscall("pivot_root"'
    found 3 mydocker/kernel/process.py 'syscall("clone3"'
    found 4 mydocker/cgroups/v2.py 'def _swap'
    found 5 mydocker/storage/whiteouts.py 'makedev(0, 0)'
    found 6 mydocker/store.py 'os.link(made'
    found 7 mydocker/network/ipam.py 'def claim'
    found 8 mydocker/kernel/seccomp.py 'syscall("seccomp"'
    found 9 mydocker/engine/monitor/supervise.py 'pidfd_open'
    found 10 mydocker/engine/container/orphans.py 'def half_made'
} > "$here/answers"
cd "$here" || exit
env LESSON=read tail -f answers > /dev/null &
