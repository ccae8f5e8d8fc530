# build: --secret id=token,src=context/secrets/token
FROM busybox
RUN --mount=type=secret,id=token cat /run/secrets/token | sha256sum > /sum
RUN --mount=type=secret,id=token,target=/root/.netrc,mode=0440,uid=8 stat -c %a:%u /root/.netrc > /mode
RUN --mount=type=secret,id=none test ! -e /run/secrets/none
