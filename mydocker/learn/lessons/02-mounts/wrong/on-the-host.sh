# en: whatever it mounts is the host's
# zh: 它挂载的东西都在宿主机上
env LESSON=mounts sh -c 'mount -t tmpfs mine /mnt; exec sleep 1000' &
