/* The socket that clients talk to, ROUTER or REP, with its monitor: messages in and out, clients as
 * numbers, and word of those that have gone. Owned by one thread. */
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
 * exactly one message for each that was sent: a REQ peer, or REP here. */
struct front_message {
    uint32_t client;
    const void *bytes;
    size_t size;
    bool lockstep;
};

enum front_news {
    FRONT_NOTHING, /* no more for now */
    FRONT_MESSAGE, /* `message` is filled in */
    FRONT_BAD,     /* an envelope that is too long: dropped */
};

/* Binds to `endpoint`; tcp://127.0.0.1:* picks a free port. NULL with errno set on failure. */
struct front *front_new(enum front_type type, const char *endpoint);
void front_destroy(struct front **front);

/* As bound, with the port. */
const char *front_endpoint(const struct front *front);

/* For zmq_poll(): readable when front_recv(), or front_lost(), has something to tell. */
void *front_socket(const struct front *front);
void *front_monitor(const struct front *front);

/* The next message, without waiting. Its client keeps its number until front_release(), which each
 * message is owed: once it is answered, or has been found to need no answer. */
enum front_news front_recv(struct front *front, struct front_message *message);

/* The number of a client that has gone; each is told once, and its number is free for another. */
bool front_lost(struct front *front, uint32_t *client);

/* Sends a message, or keeps it until its client has read enough of those before. A client that lets
 * too many wait is given up, as told by front_lost(). Never waits. */
void front_send(struct front *front, uint32_t client, const void *bytes, size_t size);

/* The same for a message that is not worth keeping. */
void front_offer(struct front *front, uint32_t client, const void *bytes, size_t size);

/* Sends what was kept, as far as there is room. True while some is left: to be called again after
 * FRONT_FLUSH_MS, for no event tells when there is room. */
#define FRONT_FLUSH_MS 10
bool front_flush(struct front *front);

void front_release(struct front *front, uint32_t client);

#endif
