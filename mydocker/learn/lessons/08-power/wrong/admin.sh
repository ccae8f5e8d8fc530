# en: CAP_SYS_ADMIN is in CapBnd
# zh: CapBnd 里有 CAP_SYS_ADMIN
mydocker run -d --cap-drop MKNOD --cap-add SYS_ADMIN -e LESSON=power busybox sleep 1000
