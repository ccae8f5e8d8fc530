# en: nsenter --net --target PID
# zh: nsenter --net --target PID 可以进入
mydocker run -d busybox sleep 1000
env LESSON=process sleep 1000 &
