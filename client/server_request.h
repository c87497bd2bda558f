/* One request to a server, from asking to the answer. Servers may die, freeze and come back: the
 * exchange decides whom to ask when, and this obeys it. It never waits: the caller looks, or polls,
 * and takes what is there. One thread. */
#ifndef MEANTIME_CLIENT_SERVER_REQUEST_H
#define MEANTIME_CLIENT_SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "client/exchange.h"

/* fd: for zmq_poll(), or any other poll that passes over -1. It becomes readable when there may be
 * something to take, and stays so until server_request_take(). It changes with the connection:
 * read it anew before each poll. exchange: what has become of the request. */
struct server_request {
    int fd;
    struct exchange exchange;
    struct server_request_connection *connection;
};

/* Whether an endpoint makes sense; if not, errno says why. */
bool server_request_can_dial(const char *endpoint);

/* endpoints: kept, not copied; each of them makes sense. timeout_ns: from asking to the answer, 0
 * for no limit. */
void server_request_init(struct server_request *request, const struct endpoints *endpoints,
                         const struct sum_request *asked, int64_t timeout_ns);

/* Dials. The request leaves at the first take after the server has answered the call. */
void server_request_begin(struct server_request *request);

/* Takes what has come in, if anything. */
void server_request_take(struct server_request *request);

/* Sees to the server that is not there, goes away, falls silent or takes too long: to be called
 * again after server_request_wait_ms(), and cheap before that. */
void server_request_check(struct server_request *request);

/* How long the caller may wait for `fd`. 0 or more. */
long server_request_wait_ms(const struct server_request *request);

/* Tells the server that nobody waits any more. */
void server_request_cancel(struct server_request *request);

/* Closes what is open. */
void server_request_clear(struct server_request *request);

static inline bool server_request_over(const struct server_request *request)
{
    return exchange_over(&request->exchange);
}

static inline bool server_request_done(const struct server_request *request)
{
    return request->exchange.state == EXCHANGE_DONE;
}

#endif
