# Without an engine: whoever called unshare dies, and its child stays.
env LESSON=background setsid unshare --pid --fork sleep 1000 &
until pgrep -P $! > /dev/null; do :; done
kill -9 $!
