# en: one that was made before unshare is the host's
# zh: 在 unshare 之前建的属于宿主机
ipcmk --queue
env LESSON=names unshare --uts --ipc sh -c 'hostname inside; exec sleep 1000' &
