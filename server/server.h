/* The event loop of a server. */
#ifndef MEANTIME_SERVER_SERVER_H
#define MEANTIME_SERVER_SERVER_H

#include <stdbool.h>

#include "server/options.h"

struct server;

/* Binds the listeners and starts the compute threads. signals: a signalfd that becomes readable
 * when the server is to end; it remains the caller's. NULL on failure, after a sentence on stderr.
 */
struct server *server_new(const struct server_options *options, int signals);
void server_destroy(struct server **server);

/* Serves until the first signal, and then until all requests in flight are answered. Returns false
 * if a second signal or the drain timeout ended the server before that. */
bool server_run(struct server *server);

#endif
