FROM scratch
ADD files.tar.gz /
COPY data /data
CMD ["/hello"]
