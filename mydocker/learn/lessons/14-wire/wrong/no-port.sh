# en: port 8080 of 10.9.0.1 is not answered
# zh: 10.9.0.1 的 8080 端口没有应答
mydocker network create --subnet 10.9.0.0/24 nine
mydocker run -d -e LESSON=wire --network nine busybox httpd -f -p 80
mydocker run -d -e LESSON=wire --network nine busybox sleep 1000
