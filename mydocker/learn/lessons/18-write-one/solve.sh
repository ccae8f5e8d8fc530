mydocker create --name box busybox > id && mkdir -p layer && mydocker export box | tar -x -C layer
env LESSON=write-one python3 "$LESSONS/18-write-one/solution.py" layer sleep 1000 &
