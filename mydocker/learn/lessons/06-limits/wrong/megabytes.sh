# en: says 104857600
# zh: 是 104857600
mkdir "$MEMORY/small"
echo 100000000 > "$MEMORY/small/memory.limit_in_bytes" || echo 100000000 > "$MEMORY/small/memory.max"
