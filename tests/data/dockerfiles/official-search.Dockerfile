FROM debian:12 AS builder
RUN mkdir -p /usr/share/search/config /usr/share/search/data && \
    find /usr/share/search -type d -exec chmod 0775 {} +
COPY --chown=0:0 config/*.json /usr/share/search/config/
FROM debian:12
RUN groupadd -g 1000 search && useradd -u 1000 -g 1000 search
WORKDIR /usr/share/search
COPY --from=builder --chown=0:0 /usr/share/search .
RUN chmod g=u /etc/passwd && chown 1000:0 data && ln -sf /etc/ssl/certs/java /usr/share/search/cacerts
ENV ELASTIC_CONTAINER true
USER 1000:0
EXPOSE 9200 9300
LABEL org.label-schema.build-date="2024" \
  org.label-schema.license="Elastic-License-2.0"
