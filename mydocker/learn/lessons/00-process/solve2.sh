# The other way round: a shell moves itself, and becomes the program. The container is found without asking the engine.
mydocker run -d busybox sleep 1001
pid=$(for each in /proc/[0-9]*; do grep -qsz '^1001$' "$each/cmdline" && echo "${each#/proc/}"; done | head -n 1)
directory=$(find "$MEMORY" -name cgroup.procs -exec grep -lx "$pid" {} +)
sh -c 'echo 0 > "$0"; exec env LESSON=process nsenter --net="/proc/$1/ns/net" sleep 1000' "$directory" "$pid" &
