FROM busybox AS a
RUN echo a > /a
FROM a AS b
RUN echo b > /b
FROM a AS c
RUN echo c > /c
FROM scratch
COPY --from=b /a /b /out/
COPY --from=2 /c /out/
COPY --from=busybox:latest /etc/group /out/
COPY --from=A /a /again
