# By hand.
FROM busybox
RUN <<EOF
set -e
echo "in a shell: $0" > /shell
mkdir /made
EOF
RUN <<-'SCRIPT' cat > /quoted
	$HOME stays
	SCRIPT
ARG NAME=world
COPY <<EOF <<"RAW" /docs/
hello $NAME
EOF
hello $NAME
RAW
COPY --chmod=755 --chown=1:2 <<EOF /bin/run
#!/bin/sh
echo \$NAME ${NAME}
EOF
RUN <<one cat > /1 && cat <<two > /2
first
one
second
two
