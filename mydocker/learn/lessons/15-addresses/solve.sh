for i in $(seq 20); do
    mydocker run -d -e LESSON=addresses busybox sleep 1000 > /dev/null &
done
wait
