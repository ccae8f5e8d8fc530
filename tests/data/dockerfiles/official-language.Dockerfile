FROM buildpack-deps:bookworm
ENV PATH /usr/local/bin:$PATH
ENV LANG C.UTF-8
RUN for src in idle3 pip3 pydoc3; do dst="$(echo "$src" | tr -d 3)"; echo "$src" > "/usr/local/bin/$src"; ln -svT "$src" "/usr/local/bin/$dst"; done
ENV VERSION=3.12.3 \
	KEYS="A B \
C D"
RUN [ "$KEYS" = "A B C D" ] && echo ok > /ok
CMD ["python3"]
