# By hand.
FROM busybox
RUN mkdir -m 700 /data
COPY --link data/a.txt /data/
COPY --link --chown=3:4 config /config/
