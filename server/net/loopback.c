/* Whether other machines can reach an endpoint: see loopback.h. */
#include "server/net/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "proto/address.h"
#include "server/net/bind_address.h"

static bool is_loopback_ipv4(const char *host)
{
    struct in_addr address;

    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool is_loopback_ipv6(const char *host)
{
    struct in6_addr address;

    if (inet_pton(AF_INET6, host, &address) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&address) ||
           (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == IN_LOOPBACKNET);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || is_loopback_ipv4(host) || is_loopback_ipv6(host);
}

bool endpoint_is_loopback(const char *endpoint)
{
    char interface[BIND_HOST_BYTES];
    struct address address;

    if (strncmp(endpoint, "ipc://", strlen("ipc://")) == 0)
        return true;
    if (!address_parse(endpoint, "tcp://", &address))
        return false;
    if (bind_interface_host(address.host, interface))
        return is_loopback(interface);
    return is_loopback(address.host);
}
