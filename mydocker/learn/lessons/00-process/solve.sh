mydocker run -d --name box busybox sleep 1000
pid=$(mydocker inspect -f '{{.State.Pid}}' box)
env LESSON=process nsenter --net --target "$pid" sleep 1000 &
group=$(grep -E ':(memory)?:' "/proc/$pid/cgroup" | head -n 1 | cut -d : -f 3)
echo $! > "$MEMORY$group/cgroup.procs"
