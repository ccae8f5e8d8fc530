# build: --target test
FROM busybox AS base
RUN echo base > /base
FROM base AS test
RUN echo test > /test
FROM base AS production
RUN exit 1
