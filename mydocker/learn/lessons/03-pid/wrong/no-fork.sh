# en: unshare(2) moves only the children
# zh: 只让之后的子进程进入新的 PID 命名空间
env LESSON=pid unshare --pid sleep 1000 &
