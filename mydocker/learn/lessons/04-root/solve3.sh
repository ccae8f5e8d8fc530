# The old root on top of the new one, as runc has it: no directory is needed for it.
mkdir -p jail/bin
cp "$(command -v busybox)" jail/bin/
env LESSON=root unshare --mount sh -c '
    mount -t tmpfs jail jail && mkdir jail/bin
    cp "$(command -v busybox)" jail/bin/
    cd jail
    pivot_root . .
    /bin/busybox umount -l .
    exec /bin/busybox sleep 1000' &
