/* The address of a TCP peer in its usual form, HOST:PORT. A leaf: no name is resolved. */
#ifndef MEANTIME_PROTO_ADDRESS_H
#define MEANTIME_PROTO_ADDRESS_H

#include <stdbool.h>

/* The longest name of DNS has 253 bytes. */
#define ADDRESS_HOST_BYTES 256
#define ADDRESS_PORT_BYTES 6

/* Both parts are valid for getaddrinfo(), except "*". */
struct address {
    char host[ADDRESS_HOST_BYTES]; /* a name, an IP address (IPv6 without its brackets), or "*" */
    char port[ADDRESS_PORT_BYTES]; /* 1 to 65535 in decimal, or "*" */
};

/* Parses a text such as "tcp://[::1]:8197" with the scheme "tcp://". Returns false if `text` is not
 * scheme, host and port. */
bool address_parse(const char *text, const char *scheme, struct address *address);

/* What is wrong with an endpoint of TCP, as the rest of a sentence; NULL: nothing is wrong, or the
 * endpoint has another transport, which libzmq checks. */
const char *address_fault(const char *endpoint);

/* True if the host of `endpoint` is an IPv6 address, which is written in brackets. */
bool address_is_ipv6(const char *endpoint);

#endif
