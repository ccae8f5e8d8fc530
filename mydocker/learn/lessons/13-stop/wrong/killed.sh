# en: it ended with 143
# zh: 它的退出状态是 143
mydocker run -d --init -e LESSON=stop busybox sleep 1000
