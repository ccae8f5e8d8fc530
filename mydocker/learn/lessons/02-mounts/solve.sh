env LESSON=mounts unshare --mount --propagation slave sh -c '
    mount -t tmpfs mine /mnt
    exec sleep 1000' &
