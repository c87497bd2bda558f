#include "server/tcp.h"

#include <linux/filter.h>
#include <linux/tcp.h> /* which knows more than <netinet/tcp.h>, and excludes it */
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

uint64_t tcp_received_bytes(int fd)
{
    struct tcp_info info = {.tcpi_bytes_received = 0};
    socklen_t size = sizeof info;

    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_bytes_received;
}

void tcp_hold(int fd, bool hold)
{
    static struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    static const struct sock_fprog program = {.len = 1, .filter = nothing};
    static const int none;

    if (hold)
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    else
        setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
}

void tcp_peer(int fd, char *peer, size_t size)
{
    struct sockaddr_storage storage;
    struct sockaddr *address = (struct sockaddr *)&storage;
    socklen_t address_size = sizeof storage;

    if (getpeername(fd, address, &address_size) == -1 ||
        getnameinfo(address, address_size, peer, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
        peer[0] = '\0';
}
