# en: kill that one, and not the client
# zh: 而不是客户端
mydocker run --name box -e LESSON=background busybox sleep 1000 &
until [ "$(mydocker inspect -f '{{.State.Running}}' box 2> /dev/null)" = true ]; do :; done
kill -9 $!
