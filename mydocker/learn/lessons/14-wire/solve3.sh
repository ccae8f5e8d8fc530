# No NAT: a program on the host that passes each connection on into a namespace.
ip link add br9 type bridge
ip address add 10.9.0.1/24 dev br9
ip link set br9 up
for n in 2 3; do
    ip netns add ns$n
    ip link add veth$n type veth peer name eth0 netns ns$n
    ip link set veth$n master br9 up
    ip -n ns$n address add 10.9.0.$n/24 dev eth0
    ip -n ns$n link set eth0 up
    ip netns exec ns$n env LESSON=wire busybox nc -ll -p 80 -e cat &
done
busybox nc -ll -p 8080 -e busybox nc 10.9.0.2 80 &
