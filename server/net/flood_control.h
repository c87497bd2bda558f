/* Flood control: throttles and disconnects the connections of a listener that send faster than the
 * server reads. libzmq reads from TCP until memory is full, so the limit has to be set in TCP.
 *
 * If a connection has too many unread bytes, a socket filter drops its packets. TCP retransmits
 * them later, so the sender is throttled and no data is lost. One thread. */
#ifndef MEANTIME_SERVER_NET_FLOOD_CONTROL_H
#define MEANTIME_SERVER_NET_FLOOD_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "server/log_limit.h"
#include "server/net/connections.h"
#include "server/net/senders.h"

struct flood_control {
    int epoll;                       /* reports connections whose bytes have changed; -1: none */
    struct connections *connections; /* the listener's */
    struct senders *senders;         /* the listener's */
    struct log_limit *log;           /* the caller's */
};

/* False if no descriptor is left; errno says why. */
bool flood_control_init(struct flood_control *flood);
void flood_control_clear(struct flood_control *flood);

/* A new connection has this descriptor. */
void flood_control_watch(struct flood_control *flood, struct connection *connection);

/* Counts the bytes of each connection that has changed, or that has unread or pending bytes, and
 * throttles, resumes, abandons or disconnects it. Other connections cost nothing. Call this after
 * all events of the monitor have been read. False if no connection needs another inspection before
 * the epoll set is readable. */
bool flood_control_inspect(struct flood_control *flood, int64_t now_ns);

/* Counts the bytes of one connection. */
void flood_control_count(struct flood_control *flood, struct connection *connection);

/* Loses all senders of a connection, drops its messages from now on, and throttles it. why: for the
 * log. */
void flood_control_abandon(struct flood_control *flood, struct connection *connection,
                           const char *why);

/* Loses all senders of a connection and closes it. why: for the log. */
void flood_control_disconnect(struct flood_control *flood, struct connection *connection,
                              const char *why);

/* Removes all filters, so that throttled peers see the end of their connections. */
void flood_control_resume_all(struct flood_control *flood);

#endif
