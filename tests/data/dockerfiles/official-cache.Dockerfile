FROM alpine:3.20
RUN addgroup -S -g 1000 redis && adduser -S -D -G redis -u 999 redis
ENV REDIS_VERSION 7.2.4
ENV REDIS_DOWNLOAD_SHA 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
RUN set -eux; \
	printf x > redis.tar.gz; \
	echo "$REDIS_DOWNLOAD_SHA *redis.tar.gz" | sha256sum -c -; \
	rm redis.tar.gz; \
	mkdir -p /usr/src/redis; \
	make -C /usr/src/redis -j "$(nproc)" all; \
	rm -r /usr/src/redis
RUN mkdir /data && chown redis:redis /data
VOLUME /data
WORKDIR /data
COPY docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 6379
CMD ["redis-server"]
