# en: it is no pid 1 of a namespace of its own
# zh: 它不是自己的 PID 命名空间里的 1 号进程
env LESSON=stop sh -c 'trap "exit 0" TERM; sleep 1000 & wait' &
