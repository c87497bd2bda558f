/* What TCP knows about a connection, and the filter that throttles its peer. */
#include "server/net/tcp_socket.h"

#include <linux/filter.h>
#include <linux/tcp.h> /* its tcp_info is newer than that of <netinet/tcp.h>; both conflict */
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct tcp_counts tcp_counts(int fd)
{
    struct tcp_info info = {.tcpi_bytes_received = 0};
    socklen_t size = sizeof info;

    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return (struct tcp_counts){
        .received = info.tcpi_bytes_received,
        .written = info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes,
        .acked = info.tcpi_bytes_acked,
    };
}

/* A socket filter sees a packet from its TCP header on. The upper half of byte 12 is the length of
 * that header in words of four bytes (RFC 9293). Packets without data pass the filter, so that
 * acknowledgements and the end of the connection still arrive. */
bool tcp_throttle(int fd, bool throttle)
{
    static struct sock_filter no_data[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12),       BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),       BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),        BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    static const struct sock_fprog program = {.len = sizeof no_data / sizeof *no_data,
                                              .filter = no_data};
    static const int none;

    if (!throttle)
        return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none) == 0;
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool tcp_peer_key(int fd, uint8_t key[ADDRESS_KEY_BYTES])
{
    struct sockaddr_in6 address;
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&address;
    socklen_t size = sizeof address;

    memset(key, 0, ADDRESS_KEY_BYTES);
    if (getpeername(fd, (struct sockaddr *)&address, &size) == -1)
        return false;
    if (address.sin6_family == AF_INET)
        memcpy(key, &ipv4->sin_addr, sizeof ipv4->sin_addr);
    else if (address.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address.sin6_addr))
        memcpy(key, address.sin6_addr.s6_addr + 12, sizeof ipv4->sin_addr);
    else if (address.sin6_family == AF_INET6)
        memcpy(key, address.sin6_addr.s6_addr, ADDRESS_KEY_BYTES);
    return address.sin6_family == AF_INET || address.sin6_family == AF_INET6;
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
