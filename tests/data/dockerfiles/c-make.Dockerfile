FROM gcc:13 AS build
COPY . /usr/src
WORKDIR /usr/src
RUN gcc -Wall -o hello src/main.c && make install DESTDIR=/install
FROM scratch
COPY --from=build /usr/src/hello /usr/local/bin/hello
COPY --from=build /usr/local/bin/made /bin/
CMD ["hello"]
