/* Print the addresses that getaddrinfo finds, a line each, in the library's order. resolve NAME [4|6]; test_names.py builds it with musl. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static const void *address_of(const struct addrinfo *found) {
    if (found->ai_family == AF_INET6)
        return &((struct sockaddr_in6 *)found->ai_addr)->sin6_addr;
    return &((struct sockaddr_in *)found->ai_addr)->sin_addr;
}

int main(int count, char **words) {
    struct addrinfo *found, wanted = {.ai_socktype = SOCK_STREAM};
    char text[INET6_ADDRSTRLEN];
    if (count > 2)
        wanted.ai_family = words[2][0] == '6' ? AF_INET6 : AF_INET;
    int error = getaddrinfo(words[1], NULL, &wanted, &found);
    if (error) {
        puts(gai_strerror(error));
        return 1;
    }
    for (; found; found = found->ai_next)
        puts(inet_ntop(found->ai_family, address_of(found), text, sizeof text));
    return 0;
}
