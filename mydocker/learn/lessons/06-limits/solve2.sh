# The same by an engine. The shell in the first container stays, so its cgroup and the count stay too.
mydocker run -d -m 100m --memory-swap 100m busybox sh -c 'tail /dev/zero; sleep 1000'
for shares in 1024 2048; do
    mydocker run -d -e LESSON=limits --cpuset-cpus 0 --cpu-shares $shares busybox sh -c 'while :; do :; done'
done
