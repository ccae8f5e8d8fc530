mydocker run -d -e LESSON=stop busybox sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
