# en: the kernel gives pid 1 no signal that it has no handler for
# zh: 内核不会交给 1 号进程
mydocker run -d -e LESSON=stop busybox sleep 1000
