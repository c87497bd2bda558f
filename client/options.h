/* The command line of meantime. */
#ifndef MEANTIME_CLIENT_OPTIONS_H
#define MEANTIME_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/endpoints.h"
#include "client/lib/meantime.h"
#include "keys/certificate.h"
#include "sums/kernel.h"

enum mode {
    MODE_SERIAL,
    MODE_ASYNC,
    MODE_COMPARE,
    MODE_SUM,
    MODE_STATUS,
    MODE_NEW_SUMMAND,
    MODE_KEYS,
};

/* What `keys` does. */
enum keys_action {
    KEYS_NEW,
    KEYS_LIST,
    KEYS_ALLOW,
    KEYS_REVOKE,
    KEYS_SHOW,
    KEYS_ACTIONS, /* none is given */
};

/* Strings live as long as argv. */
struct client_options {
    enum mode mode;
    struct endpoints endpoints;        /* of the servers */
    const char *plain_endpoint;        /* of a plain server, which is then the only one; or NULL */
    struct meantime_question question; /* for the server; has the user's timeout */
    const char *key_file;              /* the user's secret certificate; NULL: no encryption */
    const char *server_key;            /* of all servers, as text or file; set if key_file is */
    int64_t patience_ns;               /* how long an outage may last; 0: for ever */
    bool seed_given;                   /* by the user; otherwise question.seed is random */
    bool json;                         /* print one JSON object */
    bool quiet;                        /* print only results */

    /* For serial, async and compare. */
    uint64_t uniform;            /* samples of uniform_sum; 0: none */
    const struct kernel *kernel; /* for uniform_sum */
    int64_t slice_ns;            /* length of a slice of uniform_sum */
    bool slice_given;            /* by the user; otherwise slices may become longer */
    int64_t narrate_every_ns;    /* print at most one Pausing/Resuming pair in this time; 0: all */
    const char *timeline;        /* name of the SVG file; NULL: none */
    const char *trace;           /* name of the JSON file; NULL: none */

    /* For sum. */
    bool count_given;       /* by the user; otherwise question.count is the end of the stream */
    const char *checkpoint; /* name of the file; NULL: none */
    int64_t for_ns;         /* how long to sum; 0: until all samples are summed */
    double until_error;     /* the standard error at which a sum ends; 0: none */
    const char *output;     /* the output with this error; NULL: the first */

    /* For new-summand. */
    const char *new_summand; /* its name */

    /* For keys. */
    enum keys_action keys_action;
    const char *keys_target; /* a name or a file; NULL: none */
    const char *keys_folder; /* NULL: the user's own */
    enum key_role keys_role; /* KEY_ROLE_NONE: not given */
};

/* Ends the program on --help and --version (exit status 0), and after a usage error, with a
 * sentence (exit status 2). */
void client_options_parse(struct client_options *options, int argc, char **argv);

#endif
