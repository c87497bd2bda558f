/* The plain endpoint: whoever connects over TCP is given one number as text, and the connection is
 * closed. Nothing need be sent; what is sent is read and dropped. Those who wait are numbered here.
 * One that closes its half gets a blank at once, which shows whether it has gone altogether.
 *
 * Nobody who is slow, silent or loud is waited for: no call blocks, and all that a peer can take is
 * one of PLAIN_MAX places, for as long as its sum takes, and then for PLAIN_CLOSE_NS where nobody
 * else needs it. Owned by one thread. */
#ifndef MEANTIME_SERVER_NET_PLAIN_LISTENER_H
#define MEANTIME_SERVER_NET_PLAIN_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

/* Connections at a time: each asks once for a sum of some milliseconds. */
#define PLAIN_MAX 256

/* File descriptors that it takes: its connections, the listener and the set of both. */
#define PLAIN_FILES (PLAIN_MAX + 2)

/* Bytes that a peer may send before it is cut off: a request of HTTP is a tenth of this. */
#define PLAIN_READ_MAX 65536

/* Time that a peer has to close its end when it has been answered, unless its place is needed: the
 * answer crosses the world in a fraction of that. */
#define PLAIN_CLOSE_NS INT64_C(5000000000)

/* When descriptors have run out, accept() is tried anew so often. */
#define PLAIN_SHORT_NS INT64_C(100000000)

struct plain_listener;

enum plain_event {
    PLAIN_EVENT_NOTHING, /* no more for now */
    PLAIN_EVENT_HEARD,   /* something that is nobody else's business */
    PLAIN_EVENT_ASKED,   /* `number` waits for its sum */
    PLAIN_EVENT_LOST,    /* `number` has gone before it had its sum */
    PLAIN_EVENT_FLOODED, /* the same: it was cut off, for it has sent too much */
    PLAIN_EVENT_FULL, /* others wait to be accepted until one of those here has its sum, or has gone
                       */
    PLAIN_EVENT_SHORT, /* others wait to be accepted until there is a descriptor for them */
};

/* Listens on `endpoint`, such as tcp://127.0.0.1:8197; a port of * is a free one. NULL on failure;
 * `why` tells why, and lives until the next call. */
struct plain_listener *plain_listener_new(const char *endpoint, const char **why);

/* Answers have `patience_ms` to be read and the connections to be closed. */
void plain_listener_destroy(struct plain_listener **plain, int patience_ms);

/* As bound, with the port. */
const char *plain_listener_endpoint(const struct plain_listener *plain);

/* For zmq_poll(): readable when plain_listener_next() may have news. */
int plain_listener_fd(const struct plain_listener *plain);

/* The next piece of news, without waiting. Numbers are below PLAIN_MAX; one belongs to its
 * connection until that is answered, dropped or lost. */
enum plain_event plain_listener_next(struct plain_listener *plain, int64_t now_ns,
                                     uint32_t *number);

/* When plain_listener_next() is due without anything to read; INT64_MAX for never. */
int64_t plain_listener_due_at(const struct plain_listener *plain);

/* Where the peer of that number comes from: its address. */
const char *plain_listener_peer(const struct plain_listener *plain, uint32_t number);

/* Gives the peer its sum and closes the connection, or closes it without a number. */
void plain_listener_answer(struct plain_listener *plain, uint32_t number, int64_t now_ns,
                           double sum);
void plain_listener_drop(struct plain_listener *plain, uint32_t number, int64_t now_ns);

/* Accepts nobody any more. */
void plain_listener_leave(struct plain_listener *plain);

#endif
