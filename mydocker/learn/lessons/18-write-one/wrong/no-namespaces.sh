# en: lesson 3: unshare, then fork
# zh: 第 3 课：先 unshare，再 fork
env LESSON=write-one sh -c 'sleep 1000' &
