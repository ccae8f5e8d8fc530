# en: and no container is
# zh: 那里没有容器
mydocker run -d --name box busybox sleep 1000
env LESSON=exec unshare --net sleep 1000 &
