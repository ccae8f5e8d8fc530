FROM busybox
RUN addgroup -g 2000 grp && adduser -D -u 2000 -G grp usr
USER usr
RUN id -u > /home/usr/uid && echo $HOME > /home/usr/home
WORKDIR /home/usr/dir
USER usr:mail
RUN id -g > /home/usr/gid
USER 3000
RUN id -u > /tmp/uid
USER root
RUN id -un > /id
