FROM registry.access.redhat.com/ubi9
RUN dnf install -y --setopt=tsflags=nodocs httpd mod_ssl && \
    dnf clean all && \
    rm -rf /var/cache/dnf
USER 1001
CMD /usr/sbin/httpd -D FOREGROUND
