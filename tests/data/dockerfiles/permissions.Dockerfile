FROM busybox
RUN umask 077 && mkdir -p /p/q && echo x > /p/q/f && chmod 4755 /p/q/f && mkdir -m 3777 /p/sticky
RUN touch /p/owned && chown 12345:54321 /p/owned && mknod /p/fifo p && ln /p/owned /p/hard
RUN chmod 700 /tmp
RUN chown -h 3:4 /bin/sh
