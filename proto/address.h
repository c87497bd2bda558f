/* Where a TCP peer is, as people write it: HOST:PORT. A leaf: nothing is looked up. */
#ifndef MEANTIME_PROTO_ADDRESS_H
#define MEANTIME_PROTO_ADDRESS_H

#include <stdbool.h>

/* The longest name of DNS has 253 bytes. */
#define ADDRESS_HOST_BYTES 256
#define ADDRESS_PORT_BYTES 6

/* host: a name, an address, without the brackets of IPv6, or "*". port: 1 to 65535, or "*". Both
 * are what getaddrinfo() takes, but for "*". */
struct address {
    char host[ADDRESS_HOST_BYTES];
    char port[ADDRESS_PORT_BYTES];
};

/* Such as "tcp://[::1]:8197" where `scheme` is "tcp://". False: it is no such thing. */
bool address_parse(const char *text, const char *scheme, struct address *address);

/* True where the host of the endpoint is an address of IPv6, which is written in brackets. */
bool address_is_ipv6(const char *endpoint);

#endif
