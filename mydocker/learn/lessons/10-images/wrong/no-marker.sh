# en: no directory below has a file oci-layout
# zh: 没有哪个目录里有 oci-layout 文件
mydocker run --name box busybox touch /etc/two && mydocker commit box hand && mydocker rm box
mydocker save hand | (mkdir layout && tar -x -C layout)
rm layout/oci-layout
