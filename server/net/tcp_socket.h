/* What TCP knows of a connection by its file descriptor. Of one that is none of TCP it knows
 * nothing. Any thread. */
#ifndef MEANTIME_SERVER_NET_TCP_SOCKET_H
#define MEANTIME_SERVER_NET_TCP_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that have come on it so far, read or not; 0: unknown. */
uint64_t tcp_received_bytes(int fd);

/* Whether packets with data that come on it are dropped: its peer sends them again, for minutes.
 * False where that cannot be. */
bool tcp_hold(int fd, bool hold);

/* Where it comes from: an address in digits, or "" where that is unknown or has no room. */
void tcp_peer(int fd, char *peer, size_t size);

#endif
