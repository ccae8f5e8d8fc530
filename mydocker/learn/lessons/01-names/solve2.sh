# A container, whose image has no ipcmk: the host's own enters its IPC namespace.
mydocker run -d --name box --hostname web -e LESSON=names busybox sleep 1000
nsenter --ipc --target "$(mydocker inspect -f '{{.State.Pid}}' box)" ipcmk --queue
