FROM rust:1.78 AS builder
WORKDIR /usr/src/app
COPY Cargo.toml Cargo.lock ./
# dependencies first, so that they are kept
RUN mkdir src && echo "fn main() {}" > src/main.rs && cargo build --release && rm -rf src
COPY src ./src
RUN touch src/main.rs && cargo build --release
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=builder /usr/src/app/target/./release/app /usr/local/bin/app
CMD ["app"]
