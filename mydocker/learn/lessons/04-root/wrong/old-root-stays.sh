# en: the old root is still mounted at /old
# zh: 旧的根还挂载在 /old
mkdir -p jail/bin jail/old && cp "$(command -v busybox)" jail/bin/
env LESSON=root unshare --mount sh -c '
    mount --bind jail jail
    cd jail
    pivot_root . old
    exec /bin/busybox sleep 1000' &
