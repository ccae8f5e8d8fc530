# build: --target artifact
FROM golang:1.22 AS base
WORKDIR /src
COPY . .
FROM base AS unit-test
RUN go build ./... && mkdir /out && echo "mode: set" > /out/cover.out
FROM base AS build
RUN go build -o /out/example .
FROM scratch AS artifact
COPY --from=unit-test /out/cover.out /
COPY --from=build /out/example /
