# en: each has a processor to itself
# zh: 它们各用一个处理器
# needs: processors
mydocker run -d -m 100m --memory-swap 100m busybox sh -c 'tail /dev/zero; sleep 1000'
for each in 1 2; do
    env LESSON=limits sh -c 'while :; do :; done' &
done
