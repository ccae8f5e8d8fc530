#!/bin/sh
# Runs as root in a guest of vm/reboot.py, once a boot, on one disk: makes containers, ends the machine, and looks who is back.
#
#   reboot.sh DIRECTORY
#
# DIRECTORY is shared with the host. It has tree.tar, and gets boot-N, what `mydocker ps` shows after the Nth boot, and log. The first
# boot ends as by a power cut, the second one as an init does it: SIGTERM for everybody first. Nothing is written back between.
set -u

directory=$1
PYTHON=/usr/local/lib/mydocker/tests/bin/python
exec >> "$directory/log" 2>&1

mydocker() { (cd /root/mydocker && "$PYTHON" -m mydocker "$@"); }

# A container of each policy. Of those that nobody stops, the page of the first is at a port of the host.
make() {
    mkdir /root/mydocker && tar -C /root/mydocker -xf "$directory/tree.tar" && sync || exit 1
    mydocker/mydocker/engine/system/busybox-image | mydocker import -c 'CMD ["sh"]' - busybox:latest
    mydocker run -d --name always --restart always -p 8080:80 busybox \
        sh -c 'echo here > /index.html; exec httpd -f -p 80 -h /'
    for policy in unless-stopped on-failure no; do
        mydocker run -d --name "$policy" --restart "$policy" busybox sleep 100000
    done
    for policy in always unless-stopped; do
        mydocker run -d --name "stopped-$policy" --restart "$policy" busybox sleep 100000
        mydocker stop -t 0 "stopped-$policy"
    done
    mydocker create --name never-started --restart always busybox sleep 100000
}

look() {
    mydocker ps --format '{{.Names}}' | sort > "$directory/boot-$boot"
    echo "page: $(busybox wget -q -O - http://127.0.0.1:8080/)" >> "$directory/boot-$boot"
    mydocker system check >> "$directory/boot-$boot" 2>&1 || true
}

# As init does before it ends the machine. The monitors are among those that get the signal.
end_in_order() {
    trap '' TERM
    for status in /proc/[0-9]*/cmdline; do
        pid=${status#/proc/} pid=${pid%/cmdline}
        [ "$pid" -gt 1 ] && grep -qa 'mydocker\|sleep\|httpd' "$status" && [ "$pid" != $$ ] && kill -TERM "$pid"
    done
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -z "$(mydocker ps -q)" ] && break
        sleep 1
    done
}

cut() { echo b > /proc/sysrq-trigger; }

cd /root || exit 1
ip link set lo up
mountpoint -q /sys/fs/cgroup && umount /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for module in overlay veth bridge; do modprobe -q "$module"; done
boot=$(($(cat boot 2>/dev/null || echo 0) + 1))
echo "$boot" > boot
sync boot
echo "boot $boot of $(uname -r)"
case $boot in
    1) make && look && cut ;;
    2) mydocker system boot && look && end_in_order && cut ;;
    3) mydocker system boot; look; : > "$directory/end" ;;
esac
