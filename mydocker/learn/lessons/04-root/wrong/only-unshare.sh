# en: its root is the host's
# zh: 它的根还是宿主机的
env LESSON=root unshare --mount sleep 1000 &
