mkdir -p jail/bin jail/old
cp "$(command -v busybox)" jail/bin/
env LESSON=root unshare --mount sh -c '
    mount --bind jail jail
    cd jail
    pivot_root . old
    /bin/busybox umount -l /old
    exec /bin/busybox sleep 1000' &
