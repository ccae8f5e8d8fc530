# en: its /proc is still the host's
# zh: 它的 /proc 还是宿主机的
env LESSON=pid unshare --pid --fork sh -c '(sleep 0.1 &); while :; do sleep 1; done' &
