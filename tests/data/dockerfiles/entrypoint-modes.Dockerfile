FROM busybox
COPY --chown=7 scripts/a.sh /number
COPY --chown=7:9 scripts/ /numbers/
COPY --chown=mail scripts/b.sh /name
COPY --chown=mail:www-data data /names
COPY --chown=8:mail data/ mixed/
ADD --chown=mail data/a.txt /made/above/
