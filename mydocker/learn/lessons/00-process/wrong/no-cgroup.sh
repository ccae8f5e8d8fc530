# en: write its pid to cgroup.procs
# zh: 把它的 PID 写进
mydocker run -d --name box busybox sleep 1000
env LESSON=process nsenter --net --target "$(mydocker inspect -f '{{.State.Pid}}' box)" sleep 1000 &
