# en: lesson 6: its cgroup says
# zh: 第 6 课：它的 cgroup 里是
mydocker create --name box busybox > id && mkdir -p layer && mydocker export box | tar -x -C layer
sed "s/, (\"memory.limit_in_bytes\", MEMORY)//; s/(\"memory.max\", MEMORY)/(\"none\", 1),/" "$LESSONS/18-write-one/solution.py" > container.py
env LESSON=write-one python3 container.py layer sleep 1000 &
