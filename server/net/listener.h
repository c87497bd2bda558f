/* A socket that others connect to, ROUTER or REP, with its monitor: messages in and out, those who
 * send them as numbers, and word of those that have gone. Owned by one thread. */
#ifndef MEANTIME_SERVER_NET_LISTENER_H
#define MEANTIME_SERVER_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listener;

enum listener_type {
    LISTENER_ROUTER, /* many senders, each with many requests in flight */
    LISTENER_REP,    /* lockstep: one request at a time */
};

/* `bytes` live until the next listener_recv(). lockstep: the client's socket, or this one, takes
 * exactly one message for each that was sent: a REQ peer, or REP here. crowded: no request is to be
 * taken from it now, for its connection has CONNECTION_REQUESTS_MAX in flight; or nobody can tell
 * whether it is the client of that connection or of one that has ended, of which a message had
 * still to be read. */
struct listener_message {
    uint32_t sender;
    const void *bytes;
    size_t size;
    bool lockstep;
    bool crowded;
};

enum listener_news {
    LISTENER_NOTHING, /* no more for now */
    LISTENER_MESSAGE, /* `message` is filled in */
    LISTENER_DROPPED, /* a message of a connection that has ended, or that was given up */
    LISTENER_BAD,     /* an envelope that is too long: dropped */
};

/* Binds to `endpoint`; tcp://127.0.0.1:* picks a free port. NULL with errno set on failure. */
struct listener *listener_new(enum listener_type type, const char *endpoint);

/* Answers have `patience_ms` to leave, then they are dropped. Waits for those that were kept; the
 * rest of that time is libzmq's, which takes it in zsys_shutdown(). */
void listener_destroy(struct listener **front, int patience_ms);

/* As bound, with the port. */
const char *listener_endpoint(const struct listener *front);

/* For zmq_poll(): readable when listener_recv(), or listener_lost(), has something to tell. */
void *listener_socket(const struct listener *front);
void *listener_monitor(const struct listener *front);

/* The next message, without waiting. Its client keeps its number until listener_release(), which
 * each message is owed: once it is answered, or has been found to need no answer. Numbers are below
 * CLIENTS_MAX, and the one that was freed last is given out first. */
enum listener_news listener_recv(struct listener *front, struct listener_message *message);
void listener_release(struct listener *front, uint32_t sender);

/* Whether a client that has a number keeps it without being owed anything. At most CLIENTS_MAX
 * clients may have a number at a time. */
void listener_keep(struct listener *front, uint32_t sender, bool keep);

/* Where a client comes from, an address without a port, which lives until listener_lost() has been
 * called;
 * "" where it has gone. */
const char *listener_peer(const struct listener *front, uint32_t sender);

/* The number of a client that has gone; each is told once, and its number is free for another. */
bool listener_lost(struct listener *front, uint32_t *sender);

/* Sends a message, or keeps it until its connection has read enough of those before. When no more
 * can be kept, the connection that lets most wait is given up: listener_lost() tells each client
 * that it carried. Never waits. */
void listener_send(struct listener *front, uint32_t sender, const void *bytes, size_t size);

/* The same for a message that is not worth keeping. */
void listener_offer(struct listener *front, uint32_t sender, const void *bytes, size_t size);

/* Sends what was kept, as far as there is room, and gives up connections on which more comes than
 * is read. To be called when listener_due_at() has come, or earlier. Never waits. */
void listener_tend(struct listener *front, int64_t now_ns);

/* INT64_MAX: not before something is there to read. */
int64_t listener_due_at(const struct listener *front);

#endif
