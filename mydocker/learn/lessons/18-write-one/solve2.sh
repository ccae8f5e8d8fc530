# The facts do not ask who made it: an engine passes too.
mydocker run -d -m 64m --pids-limit 100 --security-opt no-new-privileges -e LESSON=write-one busybox sleep 1000
