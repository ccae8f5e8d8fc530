FROM busybox
RUN mkdir -p /real/dir && ln -s /real/dir /abs && ln -s real/dir rel && ln -s /nowhere /dangling
COPY data/a.txt /abs/
COPY data/b.txt rel/
COPY links /links
COPY links/file /followed
COPY data/sub/ /abs/sub/
