/* One request to a server, from asking to the answer, over a connection of its own. It never
 * waits: the caller looks, or polls, and takes what is there. One thread. */
#ifndef MEANTIME_CLIENT_SERVER_REQUEST_H
#define MEANTIME_CLIENT_SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

/* How often server_request_check() wants to be called: what it tells of can wait that long. */
#define SERVER_REQUEST_CHECK_MS 50

enum server_request_state {
    SERVER_REQUEST_WAITING,
    SERVER_REQUEST_DONE,   /* `reply` is the answer */
    SERVER_REQUEST_FAILED, /* `trouble` says why */
};

/* `socket` is for zmq_poll(). samples_done: as far as the server has told. Instants: clock_ns(). */
struct server_request {
    enum server_request_state state;
    void *socket;
    struct sum_request asked;
    uint64_t samples_done;
    struct sum_reply reply;
    int64_t began_at_ns;
    int64_t ended_at_ns;
    char trouble[TEXT_BYTES_MAX + 256]; /* a sentence: the server's text and what is around it */
    struct server_request_connection *connection;
};

/* endpoint: kept, not copied. timeout_ns: from asking to the answer, 0 for no limit.
 * Returns false with `trouble` where the endpoint makes no sense. */
bool server_request_init(struct server_request *request, const char *endpoint,
                         const struct sum_request *asked, int64_t timeout_ns);

/* Sends the request. It leaves by itself as soon as the server is there. */
void server_request_begin(struct server_request *request);

/* Takes what the server has sent: for when `socket` is readable. */
void server_request_take(struct server_request *request);

/* Sees to the server that is not there, that goes away, or that takes too long. Cheap: does nothing
 * until SERVER_REQUEST_CHECK_MS after the last time. */
void server_request_check(struct server_request *request);

/* Tells the server that nobody waits any more. */
void server_request_cancel(struct server_request *request);

/* Closes the connection. */
void server_request_clear(struct server_request *request);

static inline bool server_request_over(const struct server_request *request)
{
    return request->state != SERVER_REQUEST_WAITING;
}

#endif
