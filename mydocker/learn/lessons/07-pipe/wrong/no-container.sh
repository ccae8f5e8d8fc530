# en: it is not: mydocker run, or unshare --pid --fork
# zh: 它不是：用 mydocker run，或
long=$(for i in $(seq 6000); do printf 'it'\''s "two words"\n'; done)
env LESSON=pipe sh -c 'while :; do sleep 1000; done' sh "$long" &
