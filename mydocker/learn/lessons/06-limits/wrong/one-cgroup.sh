# en: each loop needs a cgroup of its own
# zh: 每个循环要有自己的 cgroup
mydocker run -d -m 100m --memory-swap 100m busybox sh -c 'tail /dev/zero; sleep 1000'
for each in 1 2; do
    env LESSON=limits taskset -c 0 sh -c 'while :; do :; done' &
done
