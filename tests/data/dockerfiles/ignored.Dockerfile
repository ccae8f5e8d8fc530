# context: ignoring
FROM busybox
COPY . /all
COPY src /src/
COPY build/ /build/
