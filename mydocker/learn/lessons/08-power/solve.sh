mydocker run -d --cap-drop MKNOD -e LESSON=power busybox sleep 1000
