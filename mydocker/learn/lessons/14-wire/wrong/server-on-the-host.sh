# en: answered, but from neither namespace
# zh: 有应答，但不是来自这两个命名空间
mydocker network create --subnet 10.9.0.0/24 nine
for n in 2 3; do
    mydocker run -d -e LESSON=wire --network nine busybox sleep 1000
done
busybox httpd -f -p 8080 &
