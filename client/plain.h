/* A server that knows no request: whoever connects to it over TCP is given one sum as text, and the
 * connection is closed. meantime-server --plain is one, and so is the teaching example's.
 *
 * One question at a time. One thread. Only plain_new() may wait. */
#ifndef MEANTIME_CLIENT_PLAIN_H
#define MEANTIME_CLIENT_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/meantime.h"

#define PLAIN_SCHEME "plain://"

/* Each address of the server gets this long to accept. */
#define PLAIN_DIAL_NS INT64_C(5000000000)

struct plain;

/* True for an endpoint such as plain://host:8197 or plain://[::1]:8197. */
bool plain_is_endpoint(const char *endpoint);

/* Looks the host up, which may wait for DNS. One that is not found is told when it is asked.
 * endpoint: one of those above; kept, not copied. NULL, and errno says why: no memory, no
 * descriptor. */
struct plain *plain_new(const char *endpoint);
void plain_destroy(struct plain **plain);

/* Connects, in place of the connection before. timeout_ns: from now to the answer; 0: none. */
void plain_ask(struct plain *plain, int64_t timeout_ns);

/* Readable when there is something to look for. The same one for life. */
int plain_fd(const struct plain *plain);

/* Looks what has come. True once the question is over, and `result` is filled in: of a sum, `sum`
 * and `elapsed_ns` alone, for nobody says how many samples there were. */
bool plain_look(struct plain *plain, struct meantime_result *result);

/* Nobody waits any more: the question is over, unless it was already. */
void plain_cancel(struct plain *plain);

#endif
