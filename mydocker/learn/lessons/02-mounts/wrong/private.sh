# en: it is private, which is unshare's default
# zh: unshare 的默认值
env LESSON=mounts unshare --mount sh -c 'mount -t tmpfs mine /mnt; exec sleep 1000' &
