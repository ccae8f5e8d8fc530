FROM busybox
COPY data /d
COPY data/sub /d/
COPY config scripts /both/
COPY data/a.txt /d/sub2/
COPY data/a.txt /d/file
RUN rm -r /d/sub2 && mkdir -m 700 /kept && chown 5:6 /kept
COPY data/ /kept/
