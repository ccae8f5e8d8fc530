# en: its root has 1: mydocker load
# zh: 它的根下面有 1 层
mydocker run --name box busybox touch /etc/two && mydocker commit box hand && mydocker rm box
mydocker save hand | (mkdir layout && tar -x -C layout)
mydocker run -d -e LESSON=images busybox sleep 1000
