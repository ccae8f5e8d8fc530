# en: there are 1 such namespaces
# zh: 这样的命名空间有 1 个
ip netns add ns2
ip netns exec ns2 env LESSON=wire sleep 1000 &
