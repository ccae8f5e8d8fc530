# en: its parent still lives
# zh: 它的父进程还活着
mydocker run -d -e LESSON=background busybox sleep 1000
