# en: the manifest is called sha256:
# zh: manifest 写的是 sha256:
mydocker run --name box busybox touch /etc/two && mydocker commit box hand && mydocker rm box
mydocker save hand | (mkdir layout && tar -x -C layout)
for each in layout/blobs/sha256/*; do grep -q schemaVersion $each && sed -i "s/2/2 /" $each; done
