/* What TCP knows about a connection. Other transports have no such information. Any thread. */
#ifndef MEANTIME_SERVER_NET_TCP_SOCKET_H
#define MEANTIME_SERVER_NET_TCP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/net/handshake_limit.h"
#include "server/net/traffic.h"

/* The bytes of a connection so far; all 0 if `fd` is no TCP socket. */
struct tcp_counts tcp_counts(int fd);

/* Attaches a filter that drops each arriving packet with data, or detaches the filter. The peer
 * retransmits dropped packets, for minutes. False if that fails. */
bool tcp_throttle(int fd, bool throttle);

/* The bytes of the peer's address by which its connections are counted: of IPv6 the network of 64
 * bits. False if it has no address. */
bool tcp_peer_key(int fd, uint8_t key[ADDRESS_KEY_BYTES]);

/* The peer's address in digits, or "" if the address is unknown or longer than `size`. */
void tcp_peer(int fd, char *peer, size_t size);

#endif
