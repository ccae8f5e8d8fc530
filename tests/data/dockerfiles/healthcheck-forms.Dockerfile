FROM busybox
HEALTHCHECK --interval=5m --timeout=3s --start-period=1m30s --retries=2 \
  CMD ["wget", "-q", "http://localhost/"]
