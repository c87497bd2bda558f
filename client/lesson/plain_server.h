/* A server that knows no request: whoever connects to it over TCP is given one sum as text, and the
 * connection is closed. meantime-server --plain is one, and so is the teaching example's.
 *
 * One question at a time. One thread. Only plain_server_new() may wait. */
#ifndef MEANTIME_CLIENT_LESSON_PLAIN_SERVER_H
#define MEANTIME_CLIENT_LESSON_PLAIN_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"

#define PLAIN_SCHEME "plain://"

/* Each address of the server gets this long to accept. */
#define PLAIN_DIAL_NS INT64_C(5000000000)

struct plain_server;

/* True for an endpoint such as plain://host:8197 or plain://[::1]:8197. */
bool plain_server_is_endpoint(const char *endpoint);

/* Looks the host up, which may wait for DNS. One that is not found is told when it is asked.
 * endpoint: one of those above; kept, not copied. NULL, and errno says why: no memory, no
 * descriptor. */
struct plain_server *plain_server_new(const char *endpoint);
void plain_server_destroy(struct plain_server **plain);

/* Connects, in place of the connection before. timeout_ns: from now to the answer; 0: none. */
void plain_server_ask(struct plain_server *plain, int64_t timeout_ns);

/* Readable when there is something to look for. The same one for life. */
int plain_server_fd(const struct plain_server *plain);

/* Looks what has come. True once the question is over, and `result` is filled in: of a sum, `sum`
 * and `elapsed_ns` alone, for nobody says how many samples there were. */
bool plain_server_look(struct plain_server *plain, struct meantime_result *result);

/* Nobody waits any more: the question is over, unless it was already. */
void plain_server_cancel(struct plain_server *plain);

#endif
