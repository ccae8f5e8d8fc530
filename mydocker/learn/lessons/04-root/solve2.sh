# A container's root is made like this too.
mydocker run -d -e LESSON=root busybox sleep 1000
