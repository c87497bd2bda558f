/* Flood control: throttles and disconnects the connections of a listener that send faster than the
 * server reads. libzmq reads from TCP until memory is full, so the limit has to be set in TCP.
 *
 * If a connection has too many unread bytes, a socket filter drops its packets. TCP retransmits
 * them later, so the sender is throttled and no data is lost. One thread. */
#ifndef MEANTIME_SERVER_NET_FLOOD_CONTROL_H
#define MEANTIME_SERVER_NET_FLOOD_CONTROL_H

#include <stdint.h>

#include "server/log_limit.h"
#include "server/net/connections.h"
#include "server/net/senders.h"

struct flood_control {
    struct connections *connections; /* the listener's */
    struct senders *senders;         /* the listener's */
    struct log_limit *log;           /* the caller's */
};

/* Counts the unread bytes of each connection, and throttles, resumes, abandons or disconnects it.
 * Call this after all events of the monitor have been read. */
void flood_control_inspect(struct flood_control *flood);

/* Loses all senders of a connection, drops its messages from now on, and throttles it. why: for the
 * log. */
void flood_control_abandon(struct flood_control *flood, struct connection *connection,
                           const char *why);

/* Loses all senders of a connection and closes it. why: for the log. */
void flood_control_disconnect(struct flood_control *flood, struct connection *connection,
                              const char *why);

/* A new connection has this descriptor: removes the filter of the connection before. */
void flood_control_reset(int fd);

/* Removes all filters, so that throttled peers see the end of their connections. */
void flood_control_resume_all(struct flood_control *flood);

#endif
