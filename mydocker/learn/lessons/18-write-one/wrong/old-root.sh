# en: lesson 4: umount2 with MNT_DETACH
# zh: 第 4 课：用 umount2 和 MNT_DETACH
mydocker create --name box busybox > id && mkdir -p layer && mydocker export box | tar -x -C layer
sed "s/call(\"umount2\".*/pass/" "$LESSONS/18-write-one/solution.py" > container.py
env LESSON=write-one python3 container.py layer sleep 1000 &
