# en: it is an ordinary user
# zh: 它是普通用户
mydocker run -d --cap-drop MKNOD -u 1000 -e LESSON=power busybox sleep 1000
