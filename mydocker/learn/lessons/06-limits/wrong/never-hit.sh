# en: nothing was killed there
# zh: 那里还没有进程被杀
mkdir "$MEMORY/small"
echo 100M > "$MEMORY/small/memory.limit_in_bytes" || echo 100M > "$MEMORY/small/memory.max"
