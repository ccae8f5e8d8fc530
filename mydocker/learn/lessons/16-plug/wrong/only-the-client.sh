# en: With the client alone the power has not failed
# zh: 只杀客户端不算断电
mkfifo never
mydocker run -e LESSON=plug --stop-after pivot_root busybox sleep 1000 <> never 2> told &
client=$!
until grep -q pivot_root told; do sleep 0.1; done
kill -9 $client
