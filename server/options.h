/* The command line of meantime-server. */
#ifndef MEANTIME_SERVER_OPTIONS_H
#define MEANTIME_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/front.h"
#include "sums/kernel.h"

/* Strings live as long as argv. threads: 1 to WORKERS_MAX. */
struct options {
    const char *endpoint;
    enum front_type front_type;
    uint32_t threads;
    const struct kernel *kernel;
    bool quiet;
};

/* Ends the program on --help and --version (0), and on a usage error (2) with a sentence. */
void options_parse(struct options *options, int argc, char **argv);

#endif
