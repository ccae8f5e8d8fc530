long=$(for i in $(seq 6000); do printf 'it'\''s "two words"\n'; done)
mydocker run -d -e LESSON=pipe busybox sh -c 'while :; do sleep 1000; done' sh "$long"
