# en: it is not: mydocker run -d
# zh: 它不是：mydocker run -d
env LESSON=background nohup sleep 1000 &
