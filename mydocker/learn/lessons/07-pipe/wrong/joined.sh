# en: joined by blanks, words cannot be told apart again
# zh: 用空格拼起来之后，就再也分不开了
long=$(for i in $(seq 8000); do printf 'it'\''s "two words"\n'; done)
echo sh -c 'while :; do sleep 1000; done' sh "$long" |
    env LESSON=pipe unshare --pid --fork python3 -c '
import os, sys
words = sys.stdin.read().split()
os.execvp("python3", ["python3", "-c", "import time; time.sleep(1000)", *words])' &
