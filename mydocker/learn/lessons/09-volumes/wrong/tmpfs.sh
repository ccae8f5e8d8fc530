# en: or in memory, and goes with it
# zh: 可写层或内存里
mydocker run -d -e LESSON=volumes --tmpfs /data busybox sh -c 'echo lost > /data/file; exec sleep 1000'
