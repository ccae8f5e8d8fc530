# en: lesson 8: PR_CAPBSET_DROP
# zh: 第 8 课：容器不需要的权能
mydocker create --name box busybox > id && mkdir -p layer && mydocker export box | tar -x -C layer
sed "s/call(\"prctl\", PR_CAPBSET_DROP.*/pass/" "$LESSONS/18-write-one/solution.py" > container.py
env LESSON=write-one python3 container.py layer sleep 1000 &
