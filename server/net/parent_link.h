/* The link to a parent: it dials the parent and owns the connection. server/peers/parents.c decides
 * when to dial and what to send. One thread. */
#ifndef MEANTIME_SERVER_NET_PARENT_LINK_H
#define MEANTIME_SERVER_NET_PARENT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <zmq.h>

#include "dial/dialer.h"

/* File descriptors of one link: a socket, its monitor (two) and its connection, and those of the
 * next dial. */
#define PARENT_LINK_FILES (4 + DIALER_DESCRIPTORS)

/* The most items of parent_link_poll_items(). */
#define PARENT_LINK_POLL_ITEMS 2

struct parent_link {
    const char *endpoint;        /* the caller's */
    struct dialer *dialer;       /* NULL: not dialling */
    void *dealer;                /* of the connection, or of the one before; NULL: none so far */
    void *monitor;               /* of the dealer */
    zmq_msg_t frame;             /* the message that was read last */
    struct dial_failure failure; /* of the last dial that failed; an empty text: none so far */
};

/* All links use these keys from now on; NULL: no encryption. identity: the caller's. */
void parent_links_use(const struct identity *identity);

/* Opens no socket yet. endpoint: kept, not copied. */
void parent_link_init(struct parent_link *link, const char *endpoint);

/* patience_ms: how long the last messages may take to leave. */
void parent_link_clear(struct parent_link *link, int patience_ms);

/* Returns whether libzmq can dial the endpoint. False: errno says why. */
bool parent_link_accepts(const char *endpoint);

/* Closes the connection and dials, again and again until a handshake succeeds. Each connection is a
 * new socket, so that no message of the one before can arrive, in either direction. False with
 * errno set if no file descriptor, memory or thread is left. */
bool parent_link_dial(struct parent_link *link);

enum parent_link_event {
    PARENT_LINK_NOTHING,
    PARENT_LINK_CONNECTED,
    PARENT_LINK_DISCONNECTED, /* the connection has ended, or no further dial is possible */
    PARENT_LINK_MESSAGE,      /* in link->frame */
};

/* The next event, without waiting. */
enum parent_link_event parent_link_next(struct parent_link *link);

/* Never waits. The credit that the parent gives bounds the messages that libzmq queues. Without a
 * connection, the message is dropped. */
void parent_link_send(struct parent_link *link, const void *bytes, size_t size);

/* Fills in what zmq_poll() is to wait for. Returns the number of items. */
int parent_link_poll_items(const struct parent_link *link, zmq_pollitem_t *items);

#endif
