# en: drop fewer capabilities
# zh: 去掉的权能太多了
mydocker run -d --cap-drop ALL -e LESSON=power busybox sleep 1000
