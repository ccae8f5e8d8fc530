# en: start one: mydocker run -d
# zh: 先启动一个：mydocker run -d
env LESSON=process sleep 1000 &
