/* The command line of meantime-server. */
#ifndef MEANTIME_SERVER_OPTIONS_H
#define MEANTIME_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bounds.h"
#include "server/cpu_limit.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/net/listener.h"
#include "sums/kernel.h"

/* Strings live as long as argv. */
struct server_options {
    const char *endpoint;             /* for clients; NULL: none */
    enum listener_type listener_type; /* of that endpoint */
    const char *plain_endpoint;       /* for plain clients; NULL: none */
    const char *workers_endpoint;     /* for servers that join; NULL: none */
    const char *parents[PARENTS_MAX]; /* endpoints of fronts to join */
    uint32_t parent_count;
    uint32_t threads;           /* compute threads, 0 to THREADS_MAX */
    struct cpu_limit cpu_limit; /* why `threads` has this value; reason "": --threads */
    const struct kernel *kernel;
    int64_t span_ns;                  /* computing time of a joined worker's span */
    int64_t heartbeat_ns;             /* between two heartbeats of a front and a worker, each way */
    int64_t drain_ns;                 /* how long a drain may take, 0 to DRAIN_NS_MAX */
    const char *summands[OFFERS_MAX]; /* shared objects with functions of users */
    uint32_t summand_count;
    const char *check;          /* shared object to check instead of serving; NULL: none */
    const char *parameters;     /* for the check; "" is usual */
    int64_t summand_timeout_ns; /* of one call of a user's function */
    uint64_t summand_memory;    /* bytes that each helper process may allocate */
    const char *keys_folder;    /* of keys that peers need; NULL: they need none */
    const char *key_file;       /* this server's own secret certificate, for fronts that it joins */
    const char *server_key;     /* of these fronts, as text or file; set if key_file is */
    bool insecure;              /* other machines may connect without keys */
    enum log_level log_level;   /* of the least serious lines that are logged */
    bool quiet;                 /* print only errors and warnings */
};

/* Fills in the options. --help and --version exit with 0; a usage error prints a sentence and exits
 * with 2. */
void server_options_parse(struct server_options *options, int argc, char **argv);

#endif
