# en: it is among the 14 that containers have
# zh: 它在容器默认的 14 个权能之中
mydocker run -d -e LESSON=power busybox sleep 1000
