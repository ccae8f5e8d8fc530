# en: this start only waits
# zh: 这次启动只是在等待
mkfifo never
mydocker run -e LESSON=plug --stop-after pivot_root busybox true <> never 2> told &
until grep -q pivot_root told; do sleep 0.1; done
