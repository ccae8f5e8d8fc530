# en: the breakout works
# zh: 可以逃出去
mkdir -p jail/bin && cp "$(command -v busybox)" jail/bin/
env LESSON=root unshare --mount chroot jail /bin/busybox sleep 1000 &
