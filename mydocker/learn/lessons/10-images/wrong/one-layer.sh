# en: the manifest names 1
# zh: manifest 里有 1 层
mydocker save busybox | (mkdir layout && tar -x -C layout)
mydocker run -d -e LESSON=images busybox sleep 1000
