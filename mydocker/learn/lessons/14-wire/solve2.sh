# A network and a published port of an engine.
mydocker network create --subnet 10.9.0.0/24 nine
mydocker run -d -e LESSON=wire --network nine -p 8080:80 busybox httpd -f -p 80
mydocker run -d -e LESSON=wire --network nine busybox sleep 1000
