# en: every file was written since this container began
# zh: 所有文件都是这个容器启动之后才写的
mydocker run -d -e LESSON=volumes -v data:/data busybox sh -c 'sleep 0.3; echo new > /data/file; exec sleep 1000'
