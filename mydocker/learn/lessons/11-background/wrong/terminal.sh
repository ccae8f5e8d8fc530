# en: it has a terminal, whose other end is the monitor's
# zh: 终端的另一端在 monitor 手里
mydocker run -dt -e LESSON=background busybox sleep 1000
