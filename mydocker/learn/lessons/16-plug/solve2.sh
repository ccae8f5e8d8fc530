# The plug is a cgroup: all that was started in it is killed, and what left it for the container's own ends with its monitor.
mkfifo never
mkdir "$MEMORY/plug"
(
    echo $BASHPID > "$MEMORY/plug/cgroup.procs"
    exec mydocker run -e LESSON=plug --name half --stop-after pivot_root busybox true <> never 2> told
) &
until grep -qs pivot_root told; do sleep 0.1; done
kill -9 $(cat "$MEMORY/plug/cgroup.procs")
until mydocker learn check 16 | grep -q 'check --repair'; do sleep 0.1; done
mydocker rm -f half
mydocker system check --repair
