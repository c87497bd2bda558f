/* The listener of the plain endpoint. Each client that connects over TCP gets one sum as text.
 * Then the listener closes the connection. The listener reads and drops everything that a client
 * sends. If a client closes its half of the connection, the listener sends a blank at once. If the
 * client has closed the other half as well, its machine answers the blank with a reset.
 *
 * No client can make the server wait: no call blocks. A client occupies one of PLAIN_MAX places
 * until it has its sum, and then for PLAIN_CLOSE_NS at most, unless another client needs the place.
 * Owned by one thread. */
#ifndef MEANTIME_SERVER_NET_PLAIN_LISTENER_H
#define MEANTIME_SERVER_NET_PLAIN_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/instant.h"

/* Connections at a time. Each has one request, for a sum of some milliseconds. */
#define PLAIN_MAX 256

/* File descriptors in all: the connections, the listening socket and the epoll set. */
#define PLAIN_FILES (PLAIN_MAX + 2)

/* A client that sends more bytes is disconnected. An HTTP request has a tenth of this. */
#define PLAIN_READ_MAX 65536

/* Time that a client has to close its end after its answer. The answer travels around the world in
 * a fraction of this. */
#define PLAIN_CLOSE_NS (5 * NS_PER_S)

/* Time between two calls of accept() while no file descriptor is left. */
#define PLAIN_RETRY_NS (100 * NS_PER_MS)

struct plain_listener;

enum plain_event {
    PLAIN_EVENT_NOTHING,   /* no event for now */
    PLAIN_EVENT_HANDLED,   /* an event that needs no action by the caller */
    PLAIN_EVENT_CONNECTED, /* client `number` waits for its sum */
    PLAIN_EVENT_LOST,      /* client `number` has disconnected before it had its sum */
    PLAIN_EVENT_FLOODED,   /* client `number` was disconnected: more than PLAIN_READ_MAX bytes */
    PLAIN_EVENT_FULL,      /* clients wait to be accepted until a place is free */
    PLAIN_EVENT_NO_DESCRIPTOR, /* clients wait to be accepted until a file descriptor is free */
};

/* Listens on `endpoint`, such as tcp://127.0.0.1:8197; a port of * is a free one. NULL on failure;
 * `why` says why and lives until the next call. */
struct plain_listener *plain_listener_new(const char *endpoint, const char **why);

/* patience_ms: how long clients may take to read their answers and close their connections. */
void plain_listener_destroy(struct plain_listener **plain, int patience_ms);

/* As bound, with the port. */
const char *plain_listener_endpoint(const struct plain_listener *plain);

/* For zmq_poll(): readable when plain_listener_next() may have an event. */
int plain_listener_fd(const struct plain_listener *plain);

/* The next event, without waiting. Numbers are below PLAIN_MAX. A number belongs to its connection
 * until that connection is answered, disconnected or lost. */
enum plain_event plain_listener_next(struct plain_listener *plain, int64_t now_ns,
                                     uint32_t *number);

/* When plain_listener_next() is due although nothing is readable; NEVER for never. */
int64_t plain_listener_due_at(const struct plain_listener *plain);

/* The address of the client with that number. */
const char *plain_listener_peer(const struct plain_listener *plain, uint32_t number);

/* Sends the sum to the client and closes the connection. */
void plain_listener_answer(struct plain_listener *plain, uint32_t number, int64_t now_ns,
                           double sum);

/* Closes the connection of a client that gets no sum. */
void plain_listener_disconnect(struct plain_listener *plain, uint32_t number, int64_t now_ns);

/* Closes the listening socket. */
void plain_listener_stop_accepting(struct plain_listener *plain);

#endif
