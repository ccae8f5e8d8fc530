# en: setns to a pid namespace is for the next children
# zh: 影响的是之后的子进程
mydocker run -d --name box busybox sleep 1000
env LESSON=exec nsenter --no-fork --net --pid --target "$(mydocker inspect -f '{{.State.Pid}}' box)" sleep 1000 &
