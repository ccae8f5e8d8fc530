# A container: its tmpfs is its own, and its volume receives what the host mounts below it.
mkdir -p shared && mount --bind shared shared && mount --make-shared shared
mydocker run -d -e LESSON=mounts --tmpfs /scratch -v "$PWD/shared:/shared:rslave" busybox sleep 1000
