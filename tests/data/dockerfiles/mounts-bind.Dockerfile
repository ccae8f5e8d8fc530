FROM busybox AS made
RUN mkdir /out && echo made > /out/f
FROM busybox
RUN --mount=from=made,source=/out,target=/mnt cp /mnt/f /f
RUN --mount=type=bind,source=data,target=/src,rw echo new > /src/new && ls /src > /listed
RUN --mount=type=tmpfs,target=/tmp/job echo x > /tmp/job/x && cp /tmp/job/x /x
RUN --mount=type=bind,from=busybox,source=/etc,target=/other cat /other/group > /group
