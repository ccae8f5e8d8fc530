FROM debian:12-slim
SHELL ["/bin/sh", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends shellcheck && rm -rf /var/lib/apt/lists/*
WORKDIR /repo
COPY . .
ARG CI
ENV CI=${CI:-false}
RUN find . -name '*.sh' | sort | xargs -n 1 sh -n && echo clean > /report
ENTRYPOINT ["sh", "-c"]
CMD ["cat /report"]
