FROM elixir:1.16 AS build
ENV MIX_ENV=prod
WORKDIR /app
COPY mix.exs mix.lock* ./
RUN mix deps.get --only $MIX_ENV
RUN mix release
FROM alpine:3.20 AS app
RUN apk add --no-cache openssl ncurses-libs
WORKDIR /app
RUN chown nobody:nogroup /app
USER nobody:nogroup
COPY --from=build --chown=nobody:nogroup /app/_build/prod/rel/app ./
ENV HOME=/app
CMD ["bin/app", "start"]
