# By hand.
FROM busybox
COPY --parents data/sub config/*.json /out/
COPY --parents ./data/./sub/deep /pivot/
COPY --exclude=*.txt --exclude=!a.txt data /some/
