# What the steps themselves say of their place, and grep for the rest.
mydocker --explain=json --dry-run run --rm -m 64m busybox true > steps
of() { echo "$1. $(grep -m 1 "\"step\": \"$2" steps | sed 's/.*"where": "\([^"]*\)".*/\1/')"; }
line() { cd "$LESSONS/../../.." && grep -rHn -m 1 --include='*.py' "$2" "mydocker/$1" | head -n 1; }
{
    of 1 unshare
    of 2 pivot_root
    echo "3: $(line cgroups/manager.py 'write("tasks", 0)')"
    echo "4: $(line cgroups/v2.py "memory.swap.max is set to")"
    echo "5: $(line storage/whiteouts.py 'S_IFCHR, os.makedev')"
    echo "6: $(line engine/container/claim.py 'owner = store.claim')"
    echo "7: $(line network/ipam.py 'self.pool.claim')"
    of 8 'seccomp'
    echo "9: $(line engine/monitor/supervise.py 'ended = os.pidfd_open')"
    echo "10: $(line engine/container/orphans.py 'its creation was not finished')"
} > answers
env LESSON=read tail -f answers > /dev/null &
