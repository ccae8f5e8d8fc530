mydocker run -d --name box busybox sleep 1000
env LESSON=exec nsenter --net --target "$(mydocker inspect -f '{{.State.Pid}}' box)" sleep 1000 &
