# en: there are 1 network namespaces
# zh: 网络命名空间有 1 个
ip netns add one
for i in $(seq 20); do
    ip netns exec one env LESSON=addresses sleep 1000 &
done
