# en: only pid 1 can wait for an orphan
# zh: 孤儿进程只能由 1 号进程回收
env LESSON=pid unshare --pid --fork --mount-proc sh -c '(sleep 0.3 &); exec sleep 1000' &
