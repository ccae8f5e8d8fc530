# The same by an engine. The shell in the first container stays, so its cgroup and the count stay too.
mydocker run -d -m 100m --memory-swap 100m busybox sh -c 'tail /dev/zero; sleep 1000'
# Version 2 has no shares. There 1024 becomes the weight 100, and what becomes 200 is not 2048.
[ -e "$CPU/cgroup.controllers" ] && double=2445 || double=2048
for shares in 1024 $double; do
    mydocker run -d -e LESSON=limits --cpuset-cpus 0 --cpu-shares $shares busybox sh -c 'while :; do :; done'
done
