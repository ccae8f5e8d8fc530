# A pipe of one's own: arguments end with a zero byte, which none of them can hold.
long=$(for i in $(seq 6000); do printf 'it'\''s "two words"\n'; done)
printf '%s\0' sh -c 'while :; do sleep 1000; done' sh "$long" |
    env LESSON=pipe unshare --pid --fork python3 -c '
import os, sys
words = sys.stdin.buffer.read().split(b"\0")[:-1]
os.execvp(words[0], words)' &
