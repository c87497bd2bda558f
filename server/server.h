/* The shell around the dispatcher: it owns the sockets, the clock and the threads, and obeys. */
#ifndef MEANTIME_SERVER_SERVER_H
#define MEANTIME_SERVER_SERVER_H

#include <stdbool.h>

#include "server/options.h"

struct server;

/* Binds and starts the threads. signals: readable (signalfd) when the server is to end; stays the
 * caller's. NULL on failure, after a sentence on stderr. */
struct server *server_new(const struct server_options *options, int signals);
void server_destroy(struct server **server);

/* Serves until a signal, then until all requests in flight are answered. False where a second
 * signal cut that short. */
bool server_run(struct server *server);

#endif
