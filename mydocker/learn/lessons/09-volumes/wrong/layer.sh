# en: what it writes is in its own layer
# zh: 它写的东西在自己的可写层
mydocker run -d -e LESSON=volumes busybox sh -c 'mkdir /data; echo lost > /data/file; exec sleep 1000'
