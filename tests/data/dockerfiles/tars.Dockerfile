FROM busybox
ADD files.tar /tar/
ADD files.tar.gz /gz
ADD files.tar.xz files.tar.bz2 /both/
COPY files.tar /copied/
ADD data/a.txt /plain
RUN tar -xzf - -C /tmp < /dev/null || true
