/* One request to a server, from asking to the answer, over a connection of its own. It never
 * waits: the caller looks, or polls, and takes what is there. One thread. */
#ifndef MEANTIME_CLIENT_SERVER_REQUEST_H
#define MEANTIME_CLIENT_SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"

enum server_request_state {
    SERVER_REQUEST_WAITING,
    SERVER_REQUEST_DONE,   /* `reply` is the answer */
    SERVER_REQUEST_FAILED, /* `trouble` says why */
};

/* fd: for zmq_poll(), or any other poll. It becomes readable when there may be something to take,
 * and stays so until server_request_take(). samples_done: as far as the server has told. Instants:
 * clock_ns(). */
struct server_request {
    enum server_request_state state;
    int fd;
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

/* Takes what the server has sent, if anything. */
void server_request_take(struct server_request *request);

/* Sees to the server that is not there, that goes away, or that takes too long: to be called again
 * after server_request_wait_ms(), and cheap before that. */
void server_request_check(struct server_request *request);

/* How long the caller may wait for `fd`. 0 or more. */
long server_request_wait_ms(const struct server_request *request);

/* Tells the server that nobody waits any more. */
void server_request_cancel(struct server_request *request);

/* Closes the connection. */
void server_request_clear(struct server_request *request);

static inline bool server_request_over(const struct server_request *request)
{
    return request->state != SERVER_REQUEST_WAITING;
}

#endif
