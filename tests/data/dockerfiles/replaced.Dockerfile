FROM busybox
COPY data /x
COPY data/a.txt /x/b.txt
RUN rm /x/a.txt && mkdir /x/a.txt && ln -s a.txt /x/link
COPY config/one.json /x/a.txt/
RUN rm -rf /x/sub && echo file > /x/sub
RUN rm -rf /etc/nsswitch.conf /var/www
