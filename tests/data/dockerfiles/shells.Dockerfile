FROM busybox
SHELL ["/bin/sh", "-euxc"]
RUN true; echo $- > /flags
SHELL ["/bin/ash", "-o", "pipefail", "-c"]
RUN echo x | tee /x
CMD echo done
HEALTHCHECK CMD test -e /x
