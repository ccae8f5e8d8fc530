FROM busybox
MAINTAINER Somebody <somebody@example.org>
LABEL one=1 two="2 2" three='3'
LABEL four 4 4
LABEL "five.six"="5\
6"
ENV A=1 B=$A C="a b" D=a\ b
ENV E one $A two
ENV F=${A:+set} G=${NONE:-default} I=\$A J='$A' K="\$A"
EXPOSE 80 8000-8002/udp ${A}23
VOLUME /v1 /v2
VOLUME ["/v3", "/v 4"]
USER 7:8
STOPSIGNAL 9
ENV A=2
CMD ["a", "b"]
ENTRYPOINT ["x"]
