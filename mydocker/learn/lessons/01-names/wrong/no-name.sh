# en: a new UTS namespace begins as a copy
# zh: 新的 UTS 命名空间是复制来的
env LESSON=names unshare --uts --ipc sh -c 'ipcmk --queue; exec sleep 1000' &
