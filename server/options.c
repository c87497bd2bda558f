/* The command line of meantime-server. */
#include "server/options.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "proto/address.h"
#include "proto/bounds.h"
#include "proto/instant.h"
#include "server/compute_threads.h"
#include "sums/kernel_option.h"

/* One minute: with longer spans a request would wait too long for a free core. */
#define SPAN_US_MAX 60000000

/* File descriptors that the default count of threads leaves free, for sockets, parents and clients.
 */
#define FILES_KEPT 256

#define DEFAULT_ENDPOINT "tcp://127.0.0.1:8197"

/* Options that have no letter. */
enum {
    OPTION_SPAN = 256,
    OPTION_HEARTBEAT,
    OPTION_PLAIN,
};

static const struct argp_option option_table[] = {
    {"bind", 'b', "ENDPOINT", 0,
     "Where clients connect (default " DEFAULT_ENDPOINT
     "; no endpoint with --join or --plain; a port of * picks a free one)",
     0},
    {"socket", 's', "TYPE", 0,
     "router: many requests at once (default); rep: one at a time, in lockstep", 0},
    {"plain", OPTION_PLAIN, "ENDPOINT", 0,
     "Where each TCP connection gets the sum of 10M fresh Gaussian samples as text, such as "
     "tcp://127.0.0.1:8197",
     0},
    {"threads", 't', "N", 0,
     "Compute threads (default: one for each CPU that the CPU affinity and the CPU quota of the "
     "control group allow; 0: only joined workers compute)",
     0},
    {"workers", 'w', "ENDPOINT", 0, "Where other servers join as workers, such as tcp://*:8198", 0},
    {"join", 'j', "ENDPOINT,...", 0,
     "Fronts to join as a worker, such as tcp://host:8198; may be given several times", 0},
    {"span-us", OPTION_SPAN, "US", 0,
     "Size of a joined worker's spans, in us of computing time (default 50000)", 0},
    {"heartbeat-ms", OPTION_HEARTBEAT, "MS", 0,
     "Time between two heartbeats of a joined worker, and to it (default 500); a worker that is "
     "silent for three of these times is dropped",
     0},
    {"kernel", 'k', "NAME", 0,
     "Instructions to compute with (default: the fastest that this machine runs)", 0},
    {"quiet", 'q', 0, 0, "Print only errors and warnings", 0},
    {0},
};

static void default_threads_max(struct cpu_limit *limit, uint64_t most, const char *reason)
{
    if (limit->threads <= most)
        return;
    limit->threads = (uint32_t)most;
    snprintf(limit->reason, sizeof limit->reason, "%s", reason);
}

/* The most threads whose file descriptors this process may open, 1 or more. */
static uint64_t threads_within_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1 || files.rlim_max <= FILES_KEPT)
        return 1;
    return (files.rlim_max - FILES_KEPT) / COMPUTE_THREAD_FILES;
}

static void default_threads(struct server_options *options)
{
    struct cpu_limit *limit = &options->cpu_limit;

    cpu_limit_find("", limit);
    default_threads_max(limit, THREADS_MAX, "the most that a server starts");
    default_threads_max(limit, threads_within_files(), "limit of file descriptors");
    options->threads = limit->threads;
}

static uint32_t parse_number(const char *option, const char *text, uint32_t least, uint32_t most,
                             struct argp_state *state)
{
    char *end;

    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < least || number > most)
        argp_error(state, "--%s %s: expected a number from %" PRIu32 " to %" PRIu32, option, text,
                   least, most);
    return (uint32_t)number;
}

static void parse_threads(char *text, struct server_options *options, struct argp_state *state)
{
    options->threads = parse_number("threads", text, 0, THREADS_MAX, state);
    options->cpu_limit.reason[0] = '\0';
}

/* Checks TCP endpoints; libzmq checks the other transports. */
static char *parse_endpoint(const char *option, char *text, struct argp_state *state)
{
    struct address address;

    if (strncmp(text, "tcp://", 6) == 0 && !address_parse(text, "tcp://", &address))
        argp_error(state, "--%s %s: expected tcp://host:port, with a port from 1 to 65535", option,
                   text);
    if (!strstr(text, "://"))
        argp_error(state, "--%s %s: expected an endpoint such as tcp://host:port", option, text);
    if (strncmp(text, "inproc://", 9) == 0)
        argp_error(state, "--%s %s: no other process can reach this endpoint", option, text);
    return text;
}

static void parse_parent(char *text, struct server_options *options, struct argp_state *state)
{
    if (options->parent_count == PARENTS_MAX)
        argp_error(state, "--join: at most %d servers can be joined", PARENTS_MAX);
    if (strchr(text, '*'))
        argp_error(state, "--join %s: expected tcp://host:port", text);
    for (uint32_t i = 0; i < options->parent_count; i++)
        if (strcmp(options->parents[i], text) == 0)
            argp_error(state, "--join %s: given twice", text);
    options->parents[options->parent_count++] = parse_endpoint("join", text, state);
}

/* Splits the list in place. */
static void parse_parents(char *text, struct server_options *options, struct argp_state *state)
{
    char *one;

    while ((one = strsep(&text, ",")))
        parse_parent(one, options, state);
}

static enum listener_type parse_socket(const char *text, struct argp_state *state)
{
    if (strcmp(text, "rep") == 0)
        return LISTENER_REP;
    if (strcmp(text, "router") != 0)
        argp_error(state, "--socket %s: expected router or rep", text);
    return LISTENER_ROUTER;
}

/* Checks that depend on several options. */
static void check(struct server_options *options, struct argp_state *state)
{
    if (!options->endpoint && !options->plain_endpoint && options->parent_count == 0)
        options->endpoint = DEFAULT_ENDPOINT;
    if (options->threads == 0 && !options->workers_endpoint)
        argp_error(state, "--threads 0 without --workers: no thread and no worker would compute");
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct server_options *options = state->input;

    switch (key) {
    case 'b': options->endpoint = parse_endpoint("bind", text, state); break;
    case OPTION_PLAIN: options->plain_endpoint = text; break;
    case 's': options->listener_type = parse_socket(text, state); break;
    case 't': parse_threads(text, options, state); break;
    case 'w': options->workers_endpoint = parse_endpoint("workers", text, state); break;
    case 'j': parse_parents(text, options, state); break;
    case OPTION_SPAN:
        options->span_ns = parse_number("span-us", text, 1, SPAN_US_MAX, state) * NS_PER_US;
        break;
    case OPTION_HEARTBEAT:
        options->heartbeat_ns =
            parse_number("heartbeat-ms", text, HEARTBEAT_MS_MIN, HEARTBEAT_MS_MAX, state) *
            NS_PER_MS;
        break;
    case 'k': options->kernel = kernel_option(state, text); break;
    case 'q': options->quiet = true; break;
    case ARGP_KEY_END: check(options, state); break;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument: %s", text); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

void server_options_parse(struct server_options *options, int argc, char **argv)
{
    static const struct argp parser = {
        option_table,
        parse_option,
        NULL,
        "Sums Gaussian and uniform samples for meantime clients, exactly, on every core."
        "\vSIGTERM or SIGINT: refuses new requests, finishes those in flight, and exits with 0. "
        "A second signal stops the server at once.",
        NULL,
        NULL,
        NULL,
    };

    argp_err_exit_status = 2;
    *options = (struct server_options){
        .kernel = kernel_best(),
        .span_ns = JOINED_SPAN_NS,
        .heartbeat_ns = HEARTBEAT_NS,
    };
    default_threads(options);
    argp_parse(&parser, argc, argv, 0, NULL, options);
}
