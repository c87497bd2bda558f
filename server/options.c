#include "server/options.h"

#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "server/dispatcher.h"

#define DEFAULT_ENDPOINT "tcp://127.0.0.1:8197"

static const struct argp_option option_table[] = {
    {"bind", 'b', "ENDPOINT", 0,
     "Where clients connect (default " DEFAULT_ENDPOINT "; a port of * picks a free one)", 0},
    {"socket", 's', "TYPE", 0,
     "router: many requests at once (default); rep: one at a time, in lockstep", 0},
    {"threads", 't', "N", 0, "Compute threads (default: one for each core)", 0},
    {"kernel", 'k', "NAME", 0, "Instructions to compute with (default: the fastest that run here)",
     0},
    {"quiet", 'q', 0, 0, "Print nothing but errors and warnings", 0},
    {0},
};

/* The cores that this process may use, which may be fewer than the machine has. */
static uint32_t core_count(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof cores, &cores) == -1)
        return 1;
    return (uint32_t)CPU_COUNT(&cores);
}

static uint32_t parse_threads(const char *text, struct argp_state *state)
{
    char *end;

    errno = 0;
    long threads = strtol(text, &end, 10);
    if (errno || end == text || *end || threads < 1 || threads > WORKERS_MAX)
        argp_error(state, "--threads %s: expected a number from 1 to %d", text, WORKERS_MAX);
    return (uint32_t)threads;
}

static enum front_type parse_socket(const char *text, struct argp_state *state)
{
    if (strcmp(text, "rep") == 0)
        return FRONT_REP;
    if (strcmp(text, "router") != 0)
        argp_error(state, "--socket %s: expected router or rep", text);
    return FRONT_ROUTER;
}

static const struct kernel *parse_kernel(const char *name, struct argp_state *state)
{
    const struct kernel *kernel = kernel_named(name);
    char names[KERNEL_NAMES_BYTES];

    if (!kernel)
        argp_error(state, "--kernel %s: this machine runs %s", name,
                   kernel_names(names, sizeof names));
    return kernel;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'b': options->endpoint = text; break;
    case 's': options->front_type = parse_socket(text, state); break;
    case 't': options->threads = parse_threads(text, state); break;
    case 'k': options->kernel = parse_kernel(text, state); break;
    case 'q': options->quiet = true; break;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument: %s", text); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

void options_parse(struct options *options, int argc, char **argv)
{
    static const struct argp parser = {
        option_table,
        parse_option,
        NULL,
        "Sums Gaussian and uniform samples for meantime clients, exactly, on every core."
        "\vSIGTERM or SIGINT: answers what is in flight, takes nothing new, and exits 0; "
        "a second one stops at once.",
        NULL,
        NULL,
        NULL,
    };

    argp_err_exit_status = 2;
    *options = (struct options){
        .endpoint = DEFAULT_ENDPOINT, .threads = core_count(), .kernel = kernel_best()};
    if (options->threads > WORKERS_MAX)
        options->threads = WORKERS_MAX;
    argp_parse(&parser, argc, argv, 0, NULL, options);
}
