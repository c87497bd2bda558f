/* The workers of a server: its threads, and the servers that have joined it. */
#ifndef MEANTIME_SERVER_PEERS_JOINED_WORKERS_H
#define MEANTIME_SERVER_PEERS_JOINED_WORKERS_H

#include <stdbool.h>

#include "server/core/dispatcher.h"

struct server;

/* Obeys EFFECT_SEND_WORKER and EFFECT_DROP_WORKER. */
void pool_tell(struct server *server, const struct effect *effect);
void pool_drop(struct server *server, const struct effect *effect);

/* Takes what the threads have summed, and what others say. False where there was nothing. */
bool pool_take_results(struct server *server);
bool pool_take_messages(struct server *server);

#endif
