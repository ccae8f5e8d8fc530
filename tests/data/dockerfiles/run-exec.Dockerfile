FROM busybox
RUN ["/bin/sh", "-c", "echo exec > /exec"]
RUN ["touch", "/a b", "/$HOME"]
RUN [ "$(echo x)" = x ] && echo brackets > /brackets
