#include "client/options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/common/quantity.h"
#include "client/lesson/plain_server.h"
#include "proto/bounds.h"
#include "sums/kernel_option.h"

#define DEFAULT_ENDPOINT "tcp://127.0.0.1:8197"
#define DEFAULT_GAUSSIAN UINT64_C(10000000)
#define DEFAULT_UNIFORM  UINT64_C(120000000)
#define DEFAULT_SLICE_NS INT64_C(1000000)
#define DEFAULT_PAUSE_NS INT64_C(1000000000)

/* Options without a letter. */
enum {
    OPTION_GAUSSIAN = 256,
    OPTION_UNIFORM,
    OPTION_FIRST,
    OPTION_KIND,
    OPTION_CHECKPOINT,
    OPTION_FOR,
    OPTION_SLICE,
    OPTION_NARRATE,
    OPTION_KERNEL,
    OPTION_TIMELINE,
    OPTION_TRACE,
    OPTION_JSON,
    OPTION_KEYS
};

/* Of options, in the order of --help. */
enum {
    GROUP_ALL = 1,
    GROUP_RUN, /* for serial, async and compare */
    GROUP_SUM
};

static const struct argp_option option_table[] = {
    {"connect", 'c', "ENDPOINT,...", 0,
     "Where the server is (default " DEFAULT_ENDPOINT "); of several, whichever is there. "
     "plain://host:port is a server that gives each TCP connection one sum as text",
     GROUP_ALL},
    {"seed", 's', "SEED", 0, "Which streams to sum (default: a fresh one, which is shown)",
     GROUP_ALL},
    {"timeout", 't', "TIME", 0, "How long to wait for the answer (default: as long as it takes)",
     GROUP_ALL},
    {"json", OPTION_JSON, 0, 0, "Print one JSON object and nothing else on stdout", GROUP_ALL},
    {"quiet", 'q', 0, 0, "Print results alone", GROUP_ALL},
    {0, 0, 0, 0, "For serial, async and compare:", GROUP_RUN},
    {"gaussian", OPTION_GAUSSIAN, "COUNT", 0, "Gaussian samples that the server sums (10M)",
     GROUP_RUN},
    {"uniform", OPTION_UNIFORM, "COUNT", 0, "Uniform samples summed here (120M)", GROUP_RUN},
    {"slice", OPTION_SLICE, "TIME", 0,
     "Work between two looks for the answer (1ms, more where looks take over 0.05 %)", GROUP_RUN},
    {"narrate", OPTION_NARRATE, "TIME", 0, "Tell a pause at most so often; 0: every one (1s)",
     GROUP_RUN},
    {"kernel", OPTION_KERNEL, "NAME", 0,
     "Instructions to sum here with (default: the fastest that run here)", GROUP_RUN},
    {"timeline", OPTION_TIMELINE, "FILE.svg", 0, "Draw who was busy when", GROUP_RUN},
    {"trace", OPTION_TRACE, "FILE.json", 0,
     "Write every slice and look, for chrome://tracing or ui.perfetto.dev", GROUP_RUN},
    {0, 0, 0, 0, "For sum:", GROUP_SUM},
    {"first", OPTION_FIRST, "N", 0, "Number of the first sample (0)", GROUP_SUM},
    {"kind", OPTION_KIND, "KIND", 0, "gaussian (default) or uniform", GROUP_SUM},
    {"checkpoint", OPTION_CHECKPOINT, "FILE", 0,
     "Keep in FILE how far the sum is: the same command goes on from there, whatever ended it",
     GROUP_SUM},
    {"for", OPTION_FOR, "TIME", 0, "Sum for so long: as many samples as fit, COUNT at most",
     GROUP_SUM},
    {0},
};

static const struct {
    const char *name;
    enum mode mode;
} modes[] = {
    {"serial", MODE_SERIAL}, {"async", MODE_ASYNC},   {"compare", MODE_COMPARE},
    {"sum", MODE_SUM},       {"status", MODE_STATUS},
};

/* What has been given so far: by key, and `option`, whose argument is parsed now. */
struct parsing {
    struct client_options *options;
    bool mode_given;
    bool given[OPTION_KEYS];
    const char *option;
};

/* Other keys than those of the table are argp's own. */
static void note_option(struct parsing *parsing, int key)
{
    for (const struct argp_option *option = option_table; option->group; option++)
        if (option->key && option->key == key) {
            parsing->given[key] = true;
            parsing->option = option->name;
        }
}

/* NULL: none of this group. */
static const char *given_of(const struct parsing *parsing, int group)
{
    for (const struct argp_option *option = option_table; option->group; option++)
        if (option->group == group && parsing->given[option->key])
            return option->name;
    return NULL;
}

static uint64_t parse_count(const struct parsing *parsing, struct argp_state *state,
                            const char *text)
{
    uint64_t count = 0;

    if (!count_parse(text, &count))
        argp_error(state, "--%s %s: expected " COUNT_ACCEPTED, parsing->option, text);
    return count;
}

static int64_t parse_duration(const struct parsing *parsing, struct argp_state *state,
                              const char *text)
{
    int64_t ns = 0;

    if (!duration_parse(text, &ns))
        argp_error(state, "--%s %s: expected " DURATION_ACCEPTED, parsing->option, text);
    return ns;
}

static const char *parse_file(const struct parsing *parsing, struct argp_state *state,
                              const char *text)
{
    if (!*text)
        argp_error(state, "--%s: expected the name of a file", parsing->option);
    return text;
}

static uint64_t parse_seed(struct argp_state *state, const char *text)
{
    uint64_t seed = 0;

    if (!seed_parse(text, &seed))
        argp_error(state, "--seed %s: expected " SEED_ACCEPTED, text);
    return seed;
}

/* Cuts `text`, an argument, into pieces. */
static void parse_endpoints(struct client_options *options, struct argp_state *state, char *text)
{
    struct endpoints *endpoints = &options->endpoints;
    char *name;

    options->plain = NULL;
    endpoints->count = 0;
    while ((name = strsep(&text, ","))) {
        if (!*name)
            argp_error(state, "--connect: expected endpoints with a comma between two");
        if (endpoints->count == MEANTIME_ENDPOINTS_MAX)
            argp_error(state, "--connect: expected at most %d endpoints", MEANTIME_ENDPOINTS_MAX);
        endpoints->names[endpoints->count++] = name;
        if (strncmp(name, PLAIN_SCHEME, strlen(PLAIN_SCHEME)) == 0)
            options->plain = name;
    }
}

static enum meantime_kind parse_kind(struct argp_state *state, const char *text)
{
    if (strcmp(text, "uniform") == 0)
        return MEANTIME_UNIFORM;
    if (strcmp(text, "gaussian") != 0)
        argp_error(state, "--kind %s: expected gaussian or uniform", text);
    return MEANTIME_GAUSSIAN;
}

static enum mode parse_mode(struct argp_state *state, const char *text)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].name, text) == 0)
            return modes[i].mode;
    argp_error(state, "%s: expected serial, async, compare, sum or status", text);
    return MODE_SERIAL;
}

static void parse_argument(struct parsing *parsing, struct argp_state *state, const char *text)
{
    struct client_options *options = parsing->options;

    if (!parsing->mode_given) {
        options->mode = parse_mode(state, text);
        parsing->mode_given = true;
    } else if (options->mode == MODE_SUM && !options->count_given) {
        if (!count_parse(text, &options->asked.count))
            argp_error(state, "sum %s: expected " COUNT_ACCEPTED, text);
        options->count_given = true;
    } else
        argp_error(state, "unexpected argument: %s", text);
}

/* What follows from what was given, and from what was not. */
static void complete(const struct parsing *parsing)
{
    struct client_options *options = parsing->options;
    bool sum = options->mode == MODE_SUM;

    options->fresh_seed = !parsing->given['s'];
    options->stretch = !parsing->given[OPTION_SLICE];
    if (sum)
        options->uniform = 0;
    if (sum && options->for_ns > 0 && !options->count_given) /* all that there are */
        options->asked.count = SAMPLE_END_MAX - options->asked.first;
}

/* A plain server is asked nothing: it is connected to, and says what it likes. */
static void check_plain(const struct parsing *parsing, struct argp_state *state)
{
    const struct client_options *options = parsing->options;

    if (!plain_server_is_endpoint(options->plain))
        argp_error(state, "--connect %s: expected plain://host:port", options->plain);
    if (options->endpoints.count > 1)
        argp_error(state, "--connect: a plain:// endpoint goes alone");
    if (options->mode == MODE_SUM)
        argp_error(state, "sum is not for plain servers: they take no seed and no count");
    if (options->mode == MODE_STATUS)
        argp_error(state, "status is not for plain servers: they give sums alone");
    if (parsing->given[OPTION_GAUSSIAN])
        argp_error(state, "--gaussian is not for plain servers: they sum as many as they like");
}

static void check(const struct parsing *parsing, struct argp_state *state)
{
    const struct client_options *options = parsing->options;
    const char *of_run = given_of(parsing, GROUP_RUN), *of_sum = given_of(parsing, GROUP_SUM);
    bool sum = options->mode == MODE_SUM, status = options->mode == MODE_STATUS;

    if (!parsing->mode_given)
        argp_error(state, "say what to do: serial, async, compare, sum or status");
    if (parsing->given[OPTION_FOR] && options->for_ns == 0)
        argp_error(state, "--for 0: nothing can be summed in no time");
    if (sum && !options->count_given && options->for_ns == 0)
        argp_error(state, "sum how many samples? For instance: sum 10M");
    if ((sum || status) && of_run)
        argp_error(state, "--%s is not for %s", of_run, sum ? "sum" : "status");
    if (!sum && of_sum)
        argp_error(state, "--%s is for sum alone", of_sum);
    if (options->timeline && options->trace && strcmp(options->timeline, options->trace) == 0)
        argp_error(state, "--timeline and --trace need a file each");
    if (options->asked.count == 0)
        argp_error(state, "the server cannot sum 0 samples");
    if (options->asked.first > SAMPLE_END_MAX - options->asked.count)
        argp_error(state, "samples end before number 2^63");
    if (options->plain)
        check_plain(parsing, state);
}

static void finish(const struct parsing *parsing, struct argp_state *state)
{
    complete(parsing);
    check(parsing, state);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    struct client_options *options = parsing->options;
    struct meantime_question *asked = &options->asked;

    note_option(parsing, key);
    switch (key) {
    case 'c': parse_endpoints(options, state, text); break;
    case 's': asked->seed = parse_seed(state, text); break;
    case 't': asked->timeout_ns = parse_duration(parsing, state, text); break;
    case 'q': options->quiet = true; break;
    case OPTION_JSON: options->json = true; break;
    case OPTION_GAUSSIAN: asked->count = parse_count(parsing, state, text); break;
    case OPTION_UNIFORM: options->uniform = parse_count(parsing, state, text); break;
    case OPTION_SLICE: options->slice_ns = parse_duration(parsing, state, text); break;
    case OPTION_NARRATE: options->narrate_ns = parse_duration(parsing, state, text); break;
    case OPTION_KERNEL: options->kernel = kernel_option(state, text); break;
    case OPTION_TIMELINE: options->timeline = parse_file(parsing, state, text); break;
    case OPTION_TRACE: options->trace = parse_file(parsing, state, text); break;
    case OPTION_FIRST: asked->first = parse_count(parsing, state, text); break;
    case OPTION_KIND: asked->kind = parse_kind(state, text); break;
    case OPTION_CHECKPOINT: options->checkpoint = parse_file(parsing, state, text); break;
    case OPTION_FOR: options->for_ns = parse_duration(parsing, state, text); break;
    case ARGP_KEY_ARG: parse_argument(parsing, state, text); break;
    case ARGP_KEY_END: finish(parsing, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static uint64_t fresh_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        abort(); /* Linux gives 8 bytes whole or waits for them */
    return seed;
}

void client_options_parse(struct client_options *options, int argc, char **argv)
{
    static const struct argp parser = {
        option_table,
        parse_option,
        "serial\nasync\ncompare\nsum COUNT\nsum --for TIME\nstatus",
        "Asks a server for the sum of many Gaussian samples, and sums uniform samples meanwhile."
        "\vserial waits for the answer and works then; async works while it waits; compare does "
        "both and shows the difference; sum asks for one sum; status tells how a server is, its "
        "workers and requests. Counts are written as 10M, 1.2e8 or 120_000_000, times as 250us, "
        "1ms or 1.5s.",
        NULL,
        NULL,
        NULL,
    };
    struct parsing parsing = {.options = options};

    argp_err_exit_status = 2;
    *options = (struct client_options){
        .endpoints = {{DEFAULT_ENDPOINT}, 1},
        .asked = {.seed = fresh_seed(), .kind = MEANTIME_GAUSSIAN, .count = DEFAULT_GAUSSIAN},
        .uniform = DEFAULT_UNIFORM,
        .kernel = kernel_best(),
        .slice_ns = DEFAULT_SLICE_NS,
        .narrate_ns = DEFAULT_PAUSE_NS,
    };
    argp_parse(&parser, argc, argv, 0, NULL, &parsing);
}
