/* A socket that others connect to, ROUTER or REP, with its monitor: messages in and out, those who
 * send them as numbers, and word of those that have gone. Owned by one thread. */
#ifndef MEANTIME_SERVER_FRONT_H
#define MEANTIME_SERVER_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct front;

enum front_type {
    FRONT_ROUTER, /* many clients, each with many requests in flight */
    FRONT_REP,    /* lockstep: one request at a time */
};

/* `bytes` live until the next front_recv(). lockstep: the client's socket, or this one, takes
 * exactly one message for each that was sent: a REQ peer, or REP here. crowded: no request is to be
 * taken from it now, for its connection has CONNECTION_REQUESTS_MAX in flight; or nobody can tell
 * whether it is the client of that connection or of one that has ended, of which a message had
 * still to be read. */
struct front_message {
    uint32_t client;
    const void *bytes;
    size_t size;
    bool lockstep;
    bool crowded;
};

enum front_news {
    FRONT_NOTHING, /* no more for now */
    FRONT_MESSAGE, /* `message` is filled in */
    FRONT_DROPPED, /* a message of a connection that has ended, or that was given up */
    FRONT_BAD,     /* an envelope that is too long: dropped */
};

/* Binds to `endpoint`; tcp://127.0.0.1:* picks a free port. NULL with errno set on failure. */
struct front *front_new(enum front_type type, const char *endpoint);

/* Answers have `patience_ms` to leave, then they are dropped. Waits for those that were kept; the
 * rest of that time is libzmq's, which takes it in zsys_shutdown(). */
void front_destroy(struct front **front, int patience_ms);

/* As bound, with the port. */
const char *front_endpoint(const struct front *front);

/* For zmq_poll(): readable when front_recv(), or front_lost(), has something to tell. */
void *front_socket(const struct front *front);
void *front_monitor(const struct front *front);

/* The next message, without waiting. Its client keeps its number until front_release(), which each
 * message is owed: once it is answered, or has been found to need no answer. Numbers are below
 * CLIENTS_MAX, and the one that was freed last is given out first. */
enum front_news front_recv(struct front *front, struct front_message *message);
void front_release(struct front *front, uint32_t client);

/* Whether a client that has a number keeps it without being owed anything. At most CLIENTS_MAX
 * clients may have a number at a time. */
void front_keep(struct front *front, uint32_t client, bool keep);

/* Where a client comes from, an address without a port, which lives until front_lost() has been
 * called;
 * "" where it has gone. */
const char *front_peer(const struct front *front, uint32_t client);

/* The number of a client that has gone; each is told once, and its number is free for another. */
bool front_lost(struct front *front, uint32_t *client);

/* Sends a message, or keeps it until its connection has read enough of those before. When no more
 * can be kept, the connection that lets most wait is given up: front_lost() tells each client that
 * it carried. Never waits. */
void front_send(struct front *front, uint32_t client, const void *bytes, size_t size);

/* The same for a message that is not worth keeping. */
void front_offer(struct front *front, uint32_t client, const void *bytes, size_t size);

/* Sends what was kept, as far as there is room, and gives up connections on which more comes than
 * is read. To be called when front_due_at() has come, or earlier. Never waits. */
void front_tend(struct front *front, int64_t now_ns);

/* INT64_MAX: not before something is there to read. */
int64_t front_due_at(const struct front *front);

#endif
