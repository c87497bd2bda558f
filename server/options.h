/* The command line of meantime-server. */
#ifndef MEANTIME_SERVER_OPTIONS_H
#define MEANTIME_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/limits.h"
#include "server/net/listener.h"
#include "sums/kernel.h"

/* Strings live as long as argv. endpoint: for clients, plain_endpoint: for plain TCP,
 * workers_endpoint: for workers that join; NULL: for none. threads: 0 to THREADS_MAX. parents:
 * servers to join. span_ns, heartbeat_ns: of workers that join, as in server/core/dispatcher.h. */
struct server_options {
    const char *endpoint;
    enum listener_type listener_type;
    const char *plain_endpoint;
    const char *workers_endpoint;
    const char *parents[PARENTS_MAX];
    uint32_t parent_count;
    uint32_t threads;
    const struct kernel *kernel;
    int64_t span_ns;
    int64_t heartbeat_ns;
    bool quiet;
};

/* Ends the program on --help and --version (0), and on a usage error (2) with a sentence. */
void server_options_parse(struct server_options *options, int argc, char **argv);

#endif
