# By hand: whoever makes the file has the address, as set -C refuses one that is there (O_EXCL).
ip link add br9 type bridge && ip link set br9 up && mkdir taken
claim() {
    for n in $(seq 2 254); do
        (set -C; echo "$1" > taken/10.9.0.$n) 2> /dev/null && echo 10.9.0.$n && return
    done
}
for i in $(seq 20); do
    ip netns add ns$i
    ip link add veth$i type veth peer name eth0 netns ns$i
    ip link set veth$i master br9 up
    ip -n ns$i address add "$(claim ns$i)/24" dev eth0
    ip netns exec ns$i env LESSON=addresses sleep 1000 &
done
