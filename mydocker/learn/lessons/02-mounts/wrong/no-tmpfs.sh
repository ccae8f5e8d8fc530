# en: it has no tmpfs of its own yet
# zh: 它还没有自己的 tmpfs
env LESSON=mounts unshare --mount --propagation slave sleep 1000 &
