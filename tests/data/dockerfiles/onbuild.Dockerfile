FROM onbuild-parent:1
RUN cat /usr/src/app/a.txt > /seen
CMD ["app"]
