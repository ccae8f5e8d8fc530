mydocker run --rm -v data:/data busybox sh -c 'echo kept > /data/file'
mydocker run -d -e LESSON=volumes -v data:/data busybox sleep 1000
