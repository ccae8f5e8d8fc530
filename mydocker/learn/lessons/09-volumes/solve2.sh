# By hand: a directory is bound below the new root before pivot_root.
mkdir -p jail/bin jail/data jail/old data
cp "$(command -v busybox)" jail/bin/
jailed() {
    unshare --mount sh -c '
        mount --bind jail jail
        mount --bind data jail/data
        cd jail
        pivot_root . old
        /bin/busybox umount -l /old
        exec /bin/busybox "$@"' sh "$@"
}
jailed touch /data/file
sleep 0.1  # the kernel counts in hundredths of a second when a process began
LESSON=volumes jailed sleep 1000 &
