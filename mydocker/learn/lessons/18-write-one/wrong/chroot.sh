# en: lesson 4: this is chroot
# zh: 第 4 课：这是 chroot
mydocker create --name box busybox > id && mkdir -p layer && mydocker export box | tar -x -C layer
sed "s/call(\"syscall\", PIVOT_ROOT, \".\", \".\")/os.chroot(\".\")/; s/call(\"umount2\".*/pass/" "$LESSONS/18-write-one/solution.py" > container.py
env LESSON=write-one python3 container.py layer sleep 1000 &
