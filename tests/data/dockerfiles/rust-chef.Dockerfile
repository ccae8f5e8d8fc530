FROM rust:1.78 AS chef
WORKDIR /app
FROM chef AS planner
COPY . .
RUN cat Cargo.toml > recipe.json
FROM chef AS builder
COPY --from=planner /app/recipe.json recipe.json
RUN --mount=type=cache,target=/usr/local/cargo/registry cargo build --release --recipe-path recipe.json
FROM scratch AS runtime
COPY --from=builder /app/target/./release/app /
ENTRYPOINT ["/app"]
