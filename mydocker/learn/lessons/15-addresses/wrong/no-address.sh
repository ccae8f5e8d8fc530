# en: 20 have none but that of lo
# zh: 有 20 个除了 lo 以外没有地址
for i in $(seq 20); do
    env LESSON=addresses unshare --net sleep 1000 &
done
