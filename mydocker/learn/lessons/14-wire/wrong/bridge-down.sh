# en: one does not reach the other
# zh: 有一个连不到另一个
ip link add br9 type bridge
for n in 2 3; do
    ip netns add ns$n
    ip link add veth$n type veth peer name eth0 netns ns$n
    ip link set veth$n master br9 up
    ip -n ns$n address add 10.9.0.$n/24 dev eth0
    ip -n ns$n link set eth0 up
    ip netns exec ns$n env LESSON=wire sleep 1000 &
done
