FROM scratch
COPY data/a.txt /
LABEL empty="" other=
ENV NOTHING=
