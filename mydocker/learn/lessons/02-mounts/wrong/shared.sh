# en: its mounts are peers of the host's
# zh: 它的挂载与宿主机互为对等
env LESSON=mounts unshare --mount --propagation unchanged sh -c 'mount -t tmpfs mine /mnt; exec sleep 1000' &
