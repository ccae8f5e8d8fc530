# en: it shares its message queues with the host
# zh: 它和宿主机共用消息队列
env LESSON=names unshare --uts sh -c 'hostname inside; ipcmk --queue; exec sleep 1000' &
