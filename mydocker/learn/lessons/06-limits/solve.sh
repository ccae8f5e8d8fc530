# v2: memory.max, cpu.weight; v1: memory.limit_in_bytes, cpu.shares
mkdir "$MEMORY/small"
(cd "$MEMORY/small" && echo 100M > "$(ls memory.max memory.limit_in_bytes 2> /dev/null)")
sh -c 'echo 0 > "$MEMORY/small/cgroup.procs"; exec tail /dev/zero' || true

for weight in 200 400; do
    mkdir "$CPU/$weight"
    (cd "$CPU/$weight" && echo $weight > "$(ls cpu.weight cpu.shares 2> /dev/null)")
    env LESSON=limits taskset -c 0 sh -c '
        echo 0 > "$0/cgroup.procs"
        while :; do :; done' "$CPU/$weight" &
done
