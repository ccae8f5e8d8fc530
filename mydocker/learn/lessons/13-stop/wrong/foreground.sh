# en: a shell runs that only when the command in the foreground has ended
# zh: 要等前台命令结束才执行
mydocker run -d -e LESSON=stop busybox sh -c 'trap "exit 0" TERM; sleep 1000; true'
