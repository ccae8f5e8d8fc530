# en: no seccomp filter is loaded
# zh: 没有加载 seccomp 过滤器
mydocker run -d --cap-drop MKNOD --security-opt seccomp=unconfined -e LESSON=power busybox sleep 1000
