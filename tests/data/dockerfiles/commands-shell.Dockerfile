FROM busybox
ENV WHO=world
CMD echo "hello $WHO" && sleep 1
ENTRYPOINT /bin/sh -c 'exec "$@"' --
