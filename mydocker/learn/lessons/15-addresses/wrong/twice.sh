# en: 10.9.0.2 is there 20 times
# zh: 10.9.0.2 出现了 20 次
for i in $(seq 20); do
    ip netns add ns$i
    ip -n ns$i link add eth0 type veth peer name eth1
    ip -n ns$i address add 10.9.0.2/24 dev eth0
    ip netns exec ns$i env LESSON=addresses sleep 1000 &
done
