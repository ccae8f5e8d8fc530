env LESSON=pid unshare --pid --fork --mount-proc sh -c '
    (sleep 0.1 &)
    while :; do sleep 1; done' &
