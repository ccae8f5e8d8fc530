# en: there was no directory in /run and no cgroup and no address yet
# zh: 那时还没有/run 里的目录、cgroup、地址
mkfifo never
unshare --pid --fork --kill-child --mount-proc \
    mydocker run -e LESSON=plug --stop-after "write the record" busybox true <> never 2> told &
plug=$!
until grep -q "write the record" told; do sleep 0.1; done
kill -9 $plug
