# en: it is empty: let a first container write to it
# zh: 先让另一个容器写入
mydocker run -d -e LESSON=volumes -v data:/data busybox sleep 1000
