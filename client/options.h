/* The command line of meantime. */
#ifndef MEANTIME_CLIENT_OPTIONS_H
#define MEANTIME_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "sums/kernel.h"

enum mode {
    MODE_SERIAL,
    MODE_ASYNC,
    MODE_COMPARE,
    MODE_SUM,
    MODE_STATUS,
};

/* Where servers are. */
struct endpoints {
    const char *names[MEANTIME_ENDPOINTS_MAX];
    size_t count; /* 1 or more */
};

/* Strings live as long as argv. plain: where a plain server is; NULL: `endpoints` are of others.
 * asked: of the server, with the user's timeout.
 * checkpoint: of sum, the name of a file, or NULL. for_ns: how long to sum, or 0 for all.
 * uniform: samples to sum here, with kernel; 0 for none. */
struct client_options {
    enum mode mode;
    struct endpoints endpoints;
    const char *plain;
    struct meantime_question asked;
    bool fresh_seed;  /* the user gave none */
    bool count_given; /* of sum */
    const char *checkpoint;
    int64_t for_ns;
    uint64_t uniform;
    const struct kernel *kernel;
    int64_t slice_ns;
    bool stretch; /* slices, where looks cost much */
    int64_t narrate_ns;
    const char *timeline; /* files for pictures; NULL: none */
    const char *trace;
    bool json;
    bool quiet;
};

/* Ends the program on --help and --version (0), and on a usage error (2) with a sentence. */
void client_options_parse(struct client_options *options, int argc, char **argv);

#endif
