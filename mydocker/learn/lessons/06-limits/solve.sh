file() { for each in "$@"; do [ ! -e "$each" ] || echo "$each"; done; }  # version 2 or 1

mkdir "$MEMORY/small"
echo 100M > "$(file "$MEMORY"/small/memory.max "$MEMORY"/small/memory.limit_in_bytes)"
sh -c 'echo 0 > "$MEMORY/small/cgroup.procs"; exec tail /dev/zero' || true

for weight in 200 400; do
    mkdir "$CPU/weight$weight"
    echo $weight > "$(file "$CPU"/weight$weight/cpu.weight "$CPU"/weight$weight/cpu.shares)"
    env LESSON=limits taskset -c 0 sh -c 'echo 0 > "$0/cgroup.procs"; while :; do :; done' "$CPU/weight$weight" &
done
