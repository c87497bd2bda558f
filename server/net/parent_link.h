/* The line to a server that this one has joined, its parent: a DEALER with its monitor, obeying
 * server/core/membership.h. Owned by one thread. */
#ifndef MEANTIME_SERVER_NET_PARENT_LINK_H
#define MEANTIME_SERVER_NET_PARENT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

struct parent_link;

/* File descriptors that one takes: its socket, its monitor and the connection, twice while it dials
 * anew. */
#define PARENT_LINK_FILES 8

/* Dials `endpoint`, which is kept, not copied, and offers `join`. NULL with errno set where the
 * endpoint makes no sense or sockets are short. */
struct parent_link *parent_link_new(const char *endpoint, const struct join *join, int64_t now_ns);

/* patience_ms: how long what was sent may take to leave. */
void parent_link_destroy(struct parent_link **link, int patience_ms);

const char *parent_link_endpoint(const struct parent_link *link);

/* For zmq_poll(): readable when parent_link_next() may have news. They change with each call of
 * that. */
void *parent_link_socket(const struct parent_link *link);
void *parent_link_monitor(const struct parent_link *link);

enum parent_link_news {
    PARENT_LINK_NOTHING, /* no more for now */
    PARENT_LINK_HEARD,   /* something that is nobody else's business */
    PARENT_LINK_MESSAGE, /* from the parent to the dispatcher */
    PARENT_LINK_LOST,    /* what the parent has asked for is of no use any more */
    PARENT_LINK_BAD,     /* what the parent has said makes no sense: dropped */
};

/* Sees to the line, and takes the next piece of news from it. own: what this server has to say of
 * itself, now. */
enum parent_link_news parent_link_next(struct parent_link *link, int64_t now_ns,
                                       const struct heartbeat *own, struct message *message);

/* When parent_link_next() is due without anything to read; INT64_MAX for never. */
int64_t parent_link_due_at(const struct parent_link *link);

/* Sends the answer to what the parent has asked for. Never waits. */
void parent_link_send(struct parent_link *link, const struct message *message);

/* Tells the parent that this server takes no more. */
void parent_link_leave(struct parent_link *link, int64_t now_ns);

#endif
