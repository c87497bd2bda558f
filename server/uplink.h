/* The line to a server that this one has joined, its parent: a DEALER with its monitor, obeying
 * server/parent.h. Owned by one thread. */
#ifndef MEANTIME_SERVER_UPLINK_H
#define MEANTIME_SERVER_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

struct uplink;

/* File descriptors that one takes: its socket, its monitor and the connection, twice while it dials
 * anew. */
#define UPLINK_FILES 8

/* Dials `endpoint`, which is kept, not copied, and offers `join`. NULL with errno set where the
 * endpoint makes no sense or sockets are short. */
struct uplink *uplink_new(const char *endpoint, const struct join *join, int64_t now_ns);

/* patience_ms: how long what was sent may take to leave. */
void uplink_destroy(struct uplink **uplink, int patience_ms);

const char *uplink_endpoint(const struct uplink *uplink);

/* For zmq_poll(): readable when uplink_next() may have news. They change with each call of that. */
void *uplink_socket(const struct uplink *uplink);
void *uplink_monitor(const struct uplink *uplink);

enum uplink_news {
    UPLINK_NOTHING, /* no more for now */
    UPLINK_HEARD,   /* something that is nobody else's business */
    UPLINK_MESSAGE, /* from the parent to the dispatcher */
    UPLINK_LOST,    /* what the parent has asked for is of no use any more */
    UPLINK_BAD,     /* what the parent has said makes no sense: dropped */
};

/* Sees to the line, and takes the next piece of news from it. own: what this server has to say of
 * itself, now. */
enum uplink_news uplink_next(struct uplink *uplink, int64_t now_ns, const struct heartbeat *own,
                             struct message *message);

/* When uplink_next() is due without anything to read; INT64_MAX for never. */
int64_t uplink_due_at(const struct uplink *uplink);

/* Sends the answer to what the parent has asked for. Never waits. */
void uplink_send(struct uplink *uplink, const struct message *message);

/* Tells the parent that this server takes no more. */
void uplink_leave(struct uplink *uplink, int64_t now_ns);

#endif
