FROM busybox
ENV DIR=/from/env
WORKDIR /made/by/workdir
WORKDIR relative
RUN pwd > where
WORKDIR $DIR/${NONE:-sub}
COPY data/a.txt .
COPY data/b.txt ./
COPY data/a.txt ../up
USER mail
WORKDIR /made/by/mail
USER 0
WORKDIR ../..
