# By hand.
FROM busybox
COPY --exclude=**/deep --exclude=*b.txt data /some
