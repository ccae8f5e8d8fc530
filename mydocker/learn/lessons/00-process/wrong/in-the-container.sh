# en: this one is in the container
# zh: 这个进程已经在容器里面了
mydocker run -d -e LESSON=process busybox sleep 1000
