FROM busybox
RUN mkdir -p /a/b/c && touch /a/b/c/1 /a/b/2 /a/3
RUN rm -r /a/b && mkdir /a/b && touch /a/b/new
RUN rm /a/3 && rm -r /home
RUN mkdir /home && mv /a/b /a/moved
