ip link add br9 type bridge
ip address add 10.9.0.1/24 dev br9
ip link set br9 up
for n in 2 3; do
    ip netns add ns$n
    ip link add veth$n type veth peer name eth0 netns ns$n
    ip link set veth$n master br9 up
    ip -n ns$n address add 10.9.0.$n/24 dev eth0
    ip -n ns$n link set eth0 up
    ip netns exec ns$n env LESSON=wire busybox httpd -f -p 80 &
done
nft -f - <<'END'
table ip lesson {
    chain output {
        type nat hook output priority -100
        ip daddr 10.9.0.1 tcp dport 8080 dnat to 10.9.0.2:80
    }
}
END
