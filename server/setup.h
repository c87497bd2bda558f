/* Everything that a server owns: the dispatcher and the five kinds of peers. */
#ifndef MEANTIME_SERVER_SETUP_H
#define MEANTIME_SERVER_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "keys/identity.h"
#include "server/access/access.h"
#include "server/core/dispatcher.h"
#include "server/log_limit.h"
#include "server/options.h"
#include "server/peers/clients.h"
#include "server/peers/joined_workers.h"
#include "server/peers/parents.h"
#include "server/peers/plain_clients.h"
#include "server/peers/threads.h"
#include "server/summands.h"

struct setup {
    struct join join; /* the name, kernel, digest and threads of this server */
    struct log_limit log;
    struct access *access; /* NULL without --keys: peers need no keys */
    struct summands summands;
    struct dispatcher *dispatcher;
    struct threads *threads;
    struct joined_workers *joined_workers; /* NULL without --workers */
    struct clients *clients;               /* NULL without an endpoint for clients */
    struct plain_clients *plain_clients;   /* NULL without --plain */
    struct identity *identity;             /* for the parents; NULL without --key */
    struct parents *parents;
    int64_t began_at_ns;
};

/* Starts the compute threads, binds the listeners and dials the parents. False on failure, after a
 * sentence on stderr; the caller must call setup_clear() even then. */
bool setup_init(struct setup *setup, const struct server_options *options, int64_t now_ns);

/* patience_ms: how long the last answers of each peer may take to leave. */
void setup_clear(struct setup *setup, int patience_ms);

/* Prints the endpoints on stdout. */
void setup_print(const struct setup *setup, const struct server_options *options);

#endif
