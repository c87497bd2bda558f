/* The plain endpoint: whoever connects over TCP is given one number as text, and the connection is
 * closed. Nothing need be sent; what is sent is read and dropped. Those who wait are numbered here.
 * One that closes its half gets a blank at once, which shows whether it has gone altogether.
 *
 * Nobody who is slow, silent or loud is waited for: no call blocks, and all that a peer can take is
 * one of PLAIN_MAX places, for as long as its sum takes, and then for PLAIN_CLOSE_NS where nobody
 * else needs it. Owned by one thread. */
#ifndef MEANTIME_SERVER_PLAIN_H
#define MEANTIME_SERVER_PLAIN_H

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

struct plain;

enum plain_news {
    PLAIN_NOTHING, /* no more for now */
    PLAIN_HEARD,   /* something that is nobody else's business */
    PLAIN_ASKED,   /* `number` waits for its sum */
    PLAIN_LOST,    /* `number` has gone before it had its sum */
    PLAIN_FLOODED, /* the same: it was cut off, for it has sent too much */
    PLAIN_FULL,    /* others wait to be accepted until one of those here has its sum, or has gone */
    PLAIN_SHORT,   /* others wait to be accepted until there is a descriptor for them */
};

/* Listens on `endpoint`, such as tcp://127.0.0.1:8197; a port of * is a free one. NULL on failure;
 * `why` tells why, and lives until the next call. */
struct plain *plain_new(const char *endpoint, const char **why);

/* Answers have `patience_ms` to be read and the connections to be closed. */
void plain_destroy(struct plain **plain, int patience_ms);

/* As bound, with the port. */
const char *plain_endpoint(const struct plain *plain);

/* For zmq_poll(): readable when plain_next() may have news. */
int plain_fd(const struct plain *plain);

/* The next piece of news, without waiting. Numbers are below PLAIN_MAX; one belongs to its
 * connection until that is answered, dropped or lost. */
enum plain_news plain_next(struct plain *plain, int64_t now_ns, uint32_t *number);

/* When plain_next() is due without anything to read; INT64_MAX for never. */
int64_t plain_due_at(const struct plain *plain);

/* Where the peer of that number comes from: its address. */
const char *plain_peer(const struct plain *plain, uint32_t number);

/* Gives the peer its sum and closes the connection, or closes it without a number. */
void plain_answer(struct plain *plain, uint32_t number, int64_t now_ns, double sum);
void plain_drop(struct plain *plain, uint32_t number, int64_t now_ns);

/* Accepts nobody any more. */
void plain_leave(struct plain *plain);

#endif
