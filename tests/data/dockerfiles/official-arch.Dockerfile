FROM alpine:3.20
ARG TARGETARCH
ARG TOOL_VERSION=1.2.3
RUN set -eux; \
	arch="${TARGETARCH:-amd64}"; \
	case "$arch" in \
		'amd64') sha='01'; url="tool-${TOOL_VERSION}-x86_64" ;; \
		'arm64') sha='02'; url="tool-${TOOL_VERSION}-aarch64" ;; \
		*) echo >&2 "unsupported: $arch"; exit 1 ;; \
	esac; \
	echo "$sha $url" > /tool
LABEL org.opencontainers.image.version=${TOOL_VERSION} \
      org.opencontainers.image.title="A tool" vendor='ACME "Inc"'
