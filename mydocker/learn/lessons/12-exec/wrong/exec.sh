# en: it sees the container's pids too
# zh: 它也进入了容器的 PID 命名空间
mydocker run -d --name box busybox sleep 1000
mydocker exec -d -e LESSON=exec box sleep 1000
