# By hand.
FROM busybox
ARG V=release-1.2.3.tar
ENV A=${V#release-} B=${V%.*} C=${V%%.*} D=${V##*-} E=${V/release/x} F=${V//./_}
ENV G=${V:?needed} H=${NONE-} I=${NONE+set}
RUN echo $A $B $C $D $E $F > /x
