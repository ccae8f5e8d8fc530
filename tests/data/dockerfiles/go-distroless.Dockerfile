FROM --platform=$BUILDPLATFORM golang:1.22 as builder
WORKDIR /project
COPY go.mod go.mod
COPY go.sum go.sum
COPY main.go main.go
COPY cmd/ cmd/
RUN GOBIN=/project/bin go install ./... && ls bin
FROM debian:12-slim
WORKDIR /
COPY --from=builder /project/bin/app manager
USER nonroot:nonroot
ENTRYPOINT ["/manager"]
