# en: its host name is the host's own
# zh: 它和宿主机用同一个主机名
hostname inside
ipcmk --queue
env LESSON=names sleep 1000 &
