mkfifo never
unshare --pid --fork --kill-child --mount-proc \
    mydocker run -e LESSON=plug --stop-after "claim the address" busybox true <> never 2> told &
plug=$!
until grep -qs "claim the address" told; do sleep 0.1; done
kill -9 $plug
mydocker learn check 16
mydocker system check --repair
