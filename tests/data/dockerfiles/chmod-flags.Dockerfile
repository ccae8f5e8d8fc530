# BuildKit only.
FROM busybox
COPY --chmod=755 data/a.txt /bin/run
COPY --chmod=0640 --chown=1:2 data /data
ADD --chmod=600 config/one.json config/two.json /etc/app/
