/* The link to a parent: a DEALER socket that this program dials, with its monitor. It owns the
 * socket; server/peers/parents.c decides when to dial and what to send. One thread. */
#ifndef MEANTIME_SERVER_NET_PARENT_LINK_H
#define MEANTIME_SERVER_NET_PARENT_LINK_H

#include <czmq.h>
#include <stdbool.h>
#include <stddef.h>

/* File descriptors of one link: socket, monitor and connection, twice while it is dialled again. */
#define PARENT_LINK_FILES 8

struct parent_link {
    const char *endpoint; /* the caller's */
    zsock_t *dealer;
    zsock_t *monitor;
    zmq_msg_t frame;   /* the message that was read last */
    bool reconnecting; /* libzmq dials the endpoint again whenever the connection ends */
};

/* Opens no socket yet. endpoint: kept, not copied. */
void parent_link_init(struct parent_link *link, const char *endpoint);

/* patience_ms: how long the last messages may take to leave. */
void parent_link_clear(struct parent_link *link, int patience_ms);

/* Dials on a new socket and closes the one before, so that no message of the connection before can
 * arrive, in either direction. On failure the old socket stays; false with errno set, for instance
 * if the endpoint is invalid or no file descriptor is left. */
bool parent_link_dial(struct parent_link *link);

/* After the connection has ended: libzmq does not reconnect. */
void parent_link_stop_reconnecting(struct parent_link *link);

enum parent_link_event {
    PARENT_LINK_NOTHING,
    PARENT_LINK_CONNECTED,
    PARENT_LINK_DISCONNECTED,
    PARENT_LINK_MESSAGE, /* in link->frame */
};

/* The next event, without waiting. After parent_link_dial() has succeeded once. */
enum parent_link_event parent_link_next(struct parent_link *link);

/* Never waits. The credit that the parent gives bounds the messages that libzmq queues. */
void parent_link_send(struct parent_link *link, const void *bytes, size_t size);

/* For zmq_poll(): readable when parent_link_next() has an event. parent_link_dial() replaces them.
 */
void *parent_link_socket(const struct parent_link *link);
void *parent_link_monitor(const struct parent_link *link);

#endif
