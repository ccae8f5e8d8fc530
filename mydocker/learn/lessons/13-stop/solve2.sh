# Without an engine. unshare itself carries the mark too, and is no pid 1.
env LESSON=stop unshare --pid --fork sh -c 'trap "exit 0" TERM; sleep 1000 & wait' &
