# en: the fullest bridge of the host has 0
# zh: 宿主机上端口最多的网桥有 0 个
for n in 2 3; do
    ip netns add ns$n
    ip link add veth$n type veth peer name eth0 netns ns$n
    ip -n ns$n address add 10.9.0.$n/24 dev eth0
    ip -n ns$n link set eth0 up
    ip netns exec ns$n env LESSON=wire sleep 1000 &
done
