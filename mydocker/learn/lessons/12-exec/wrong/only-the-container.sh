# en: start one, without LESSON=exec
# zh: 先启动一个（不要带
mydocker run -d -e LESSON=exec busybox sleep 1000
