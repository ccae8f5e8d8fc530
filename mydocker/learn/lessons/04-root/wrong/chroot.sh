# en: it is in the host's mount namespace
# zh: 它在宿主机的挂载命名空间里
mkdir -p jail/bin && cp "$(command -v busybox)" jail/bin/
env LESSON=root chroot jail /bin/busybox sleep 1000 &
