# build: --build-arg GIVEN=given --build-arg UNUSED_HERE=x --build-arg HTTP_PROXY=http://proxy:1
ARG TAG=12
ARG UNUSED_HERE
FROM debian:${TAG} AS one
ARG GIVEN=default
ARG OTHER=other
ARG TAG
ARG EMPTY
ENV FROM_ARG=$GIVEN-$OTHER-$TAG-$EMPTY-${EMPTY:-none}
RUN echo "$GIVEN $OTHER $TAG ${EMPTY:-none} ${HTTP_PROXY}" > /seen
ENV OTHER=env
ARG OTHER=arg
RUN echo $OTHER > /other
FROM debian:$TAG
ARG GIVEN
COPY --from=one /seen /other /$GIVEN/
LABEL given=$GIVEN
