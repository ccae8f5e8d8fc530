# en: lesson 1: sethostname
# zh: 第 1 课：调用 sethostname
mydocker create --name box busybox > id && mkdir -p layer && mydocker export box | tar -x -C layer
sed "s/socket.sethostname.*/pass/" "$LESSONS/18-write-one/solution.py" > container.py
env LESSON=write-one python3 container.py layer sleep 1000 &
