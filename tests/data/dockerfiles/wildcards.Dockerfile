FROM busybox
COPY data/*.txt /one/
COPY data/?.txt data/sub/[a-c].* /two/
COPY */*.json /three/
COPY data/with*space.txt /four/
COPY ["data/with space.txt", "config/one.json", "/five/"]
COPY d*ta/a* /six
COPY public /seven
COPY public/ /eight/
COPY public/. /nine
