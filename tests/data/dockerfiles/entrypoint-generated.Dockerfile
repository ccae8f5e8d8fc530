FROM alpine:3.20
RUN printf '#!/bin/sh\nset -e\nif [ "$1" = serve ]; then\n\texec httpd -f\nfi\nexec "$@"\n' > /entrypoint.sh && chmod +x /entrypoint.sh
RUN { \
		echo '[mysqld]'; \
		echo "max_allowed_packet = ${PACKET:-16M}"; \
	} > /etc/my.cnf
RUN echo "a=\"b\" $(echo 'c' | tr c d) `echo e`" >> /etc/my.cnf; sed -i 's/16M/32M/' /etc/my.cnf
ENTRYPOINT ["/entrypoint.sh"]
CMD ["serve"]
