/* What Linux knows about the TCP connections of a server under test, from /proc/net/tcp. */
#ifndef MEANTIME_TESTS_SUPPORT_TCP_TABLE_H
#define MEANTIME_TESTS_SUPPORT_TCP_TABLE_H

#include <stdint.h>

struct tcp_table {
    unsigned connections; /* in any state; without the listening socket */
    unsigned keepalives;  /* established connections with a running keepalive timer */
    uint64_t unread;      /* bytes that have arrived and that the server has not read */
};

/* The connections of `port` at server_address(). Fails if the table cannot be read. */
struct tcp_table tcp_table_read(uint16_t port);

#endif
