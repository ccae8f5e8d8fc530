# Two containers with one network, each with its own pids: what Kubernetes calls a pod.
mydocker run -d --name box busybox sleep 1000
mydocker run -d -e LESSON=exec --network container:box busybox sleep 1000
