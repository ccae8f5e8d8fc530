# A layout that an engine has written is one too: save's archive has it.
mydocker run --name box busybox touch /etc/two && mydocker commit box hand && mydocker rm box
mydocker save hand | (mkdir layout && tar -x -C layout)
mydocker run -d -e LESSON=images hand sleep 1000
