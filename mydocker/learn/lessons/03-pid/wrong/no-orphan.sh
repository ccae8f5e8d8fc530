# en: nothing has ended in there yet
# zh: 里面还没有进程结束过
env LESSON=pid unshare --pid --fork --mount-proc sleep 1000 &
