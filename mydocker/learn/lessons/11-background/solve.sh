mydocker run -d --name box -e LESSON=background busybox sleep 1000
pid=$(mydocker inspect -f '{{.State.Pid}}' box)
kill -9 "$(cut -d ' ' -f 4 "/proc/$pid/stat")"
