# An engine's --init is a pid 1 that does nothing but wait.
mydocker run -d --init -e LESSON=pid busybox sh -c '(sleep 0.1 &); exec sleep 1000'
