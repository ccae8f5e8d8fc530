# escape=`
# A file as Windows has them.
FROM busybox
ENV A=c:\dir B=one` two `
    C="q`"q"
RUN echo "a\tb" `
# a comment
    && echo $A > /a
LABEL path="c:\x"
WORKDIR /work
