env LESSON=names unshare --uts --ipc sh -c '
    hostname inside
    ipcmk --queue
    exec sleep 1000' &
