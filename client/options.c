#include "client/options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/plain.h"
#include "client/quantity.h"
#include "proto/bounds.h"

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
};

static const struct argp_option option_table[] = {
    {"connect", 'c', "ENDPOINT,...", 0,
     "Where the server is (default " DEFAULT_ENDPOINT "); of several, whichever is there. "
     "plain://host:port is a server that gives each TCP connection one sum as text",
     1},
    {"seed", 's', "SEED", 0, "Which streams to sum (default: a fresh one, which is shown)", 1},
    {"timeout", 't', "TIME", 0, "How long to wait for the answer (default: as long as it takes)",
     1},
    {"json", OPTION_JSON, 0, 0, "Print one JSON object and nothing else on stdout", 1},
    {"quiet", 'q', 0, 0, "Print results alone", 1},
    {0, 0, 0, 0, "For serial, async and compare:", 2},
    {"gaussian", OPTION_GAUSSIAN, "COUNT", 0, "Gaussian samples that the server sums (10M)", 2},
    {"uniform", OPTION_UNIFORM, "COUNT", 0, "Uniform samples summed here (120M)", 2},
    {"slice", OPTION_SLICE, "TIME", 0,
     "Work between two looks for the answer (1ms, more where looks take over 0.05 %)", 2},
    {"narrate", OPTION_NARRATE, "TIME", 0, "Tell a pause at most so often; 0: every one (1s)", 2},
    {"kernel", OPTION_KERNEL, "NAME", 0,
     "Instructions to sum here with (default: the fastest that run here)", 2},
    {"timeline", OPTION_TIMELINE, "FILE.svg", 0, "Draw who was busy when", 2},
    {"trace", OPTION_TRACE, "FILE.json", 0,
     "Write every slice and look, for chrome://tracing or ui.perfetto.dev", 2},
    {0, 0, 0, 0, "For sum:", 3},
    {"first", OPTION_FIRST, "N", 0, "Number of the first sample (0)", 3},
    {"kind", OPTION_KIND, "KIND", 0, "gaussian (default) or uniform", 3},
    {"checkpoint", OPTION_CHECKPOINT, "FILE", 0,
     "Keep in FILE how far the sum is: the same command goes on from there, whatever ended it", 3},
    {"for", OPTION_FOR, "TIME", 0, "Sum for so long: as many samples as fit, COUNT at most", 3},
    {0},
};

static const struct {
    const char *name;
    enum mode mode;
} modes[] = {
    {"serial", MODE_SERIAL}, {"async", MODE_ASYNC},   {"compare", MODE_COMPARE},
    {"sum", MODE_SUM},       {"status", MODE_STATUS},
};

/* What has been given so far, to find what is missing and what does not go together. */
struct parsing {
    struct options *options;
    bool mode_given;
    bool gaussian_given;
    const char *run_option; /* the last one that is not for sum */
    const char *sum_option; /* the last one that is for sum alone */
};

static uint64_t parse_count(struct argp_state *state, const char *what, const char *text)
{
    uint64_t count = 0;

    if (!count_parse(text, &count))
        argp_error(state, "%s %s: expected " COUNT_ACCEPTED, what, text);
    return count;
}

static int64_t parse_duration(struct argp_state *state, const char *what, const char *text)
{
    int64_t ns = 0;

    if (!duration_parse(text, &ns))
        argp_error(state, "%s %s: expected " DURATION_ACCEPTED, what, text);
    return ns;
}

static uint64_t parse_seed(struct argp_state *state, const char *text)
{
    uint64_t seed = 0;

    if (!seed_parse(text, &seed))
        argp_error(state, "--seed %s: expected " SEED_ACCEPTED, text);
    return seed;
}

/* Cuts `text`, an argument, into pieces. */
static void parse_endpoints(struct options *options, struct argp_state *state, char *text)
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

static const char *parse_file(struct argp_state *state, const char *what, const char *text)
{
    if (!*text)
        argp_error(state, "%s: expected the name of a file", what);
    return text;
}

static enum meantime_kind parse_kind(struct argp_state *state, const char *text)
{
    if (strcmp(text, "uniform") == 0)
        return MEANTIME_UNIFORM;
    if (strcmp(text, "gaussian") != 0)
        argp_error(state, "--kind %s: expected gaussian or uniform", text);
    return MEANTIME_GAUSSIAN;
}

static const struct kernel *parse_kernel(struct argp_state *state, const char *name)
{
    const struct kernel *kernel = kernel_named(name);
    char names[KERNEL_NAMES_BYTES];

    if (!kernel)
        argp_error(state, "--kernel %s: this machine runs %s", name,
                   kernel_names(names, sizeof names));
    return kernel;
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
    struct options *options = parsing->options;

    if (!parsing->mode_given) {
        options->mode = parse_mode(state, text);
        parsing->mode_given = true;
    } else if (options->mode == MODE_SUM && !options->count_given) {
        options->asked.count = parse_count(state, "sum", text);
        options->count_given = true;
    } else
        argp_error(state, "unexpected argument: %s", text);
}

/* All that there are, where only the time is limited. */
static void fill_in_count(const struct parsing *parsing)
{
    struct options *options = parsing->options;

    if (options->mode == MODE_SUM && options->for_ns > 0 && !options->count_given)
        options->asked.count = SAMPLE_END_MAX - options->asked.first;
}

/* A plain server is asked nothing: it is connected to, and says what it likes. */
static void check_plain(const struct parsing *parsing, struct argp_state *state)
{
    const struct options *options = parsing->options;

    if (!plain_is_endpoint(options->plain))
        argp_error(state, "--connect %s: expected plain://host:port", options->plain);
    if (options->endpoints.count > 1)
        argp_error(state, "--connect: a plain:// endpoint goes alone");
    if (options->mode == MODE_SUM)
        argp_error(state, "sum is not for plain servers: they take no seed and no count");
    if (options->mode == MODE_STATUS)
        argp_error(state, "status is not for plain servers: they give sums alone");
    if (parsing->gaussian_given)
        argp_error(state, "--gaussian is not for plain servers: they sum as many as they like");
}

static void check(const struct parsing *parsing, struct argp_state *state)
{
    const struct options *options = parsing->options;
    bool sum = options->mode == MODE_SUM, status = options->mode == MODE_STATUS;

    if (!parsing->mode_given)
        argp_error(state, "say what to do: serial, async, compare, sum or status");
    if (sum && !options->count_given && options->for_ns == 0)
        argp_error(state, "sum how many samples? For instance: sum 10M");
    if ((sum || status) && parsing->run_option)
        argp_error(state, "%s is not for %s", parsing->run_option, sum ? "sum" : "status");
    if (!sum && parsing->sum_option)
        argp_error(state, "%s is for sum alone", parsing->sum_option);
    if (options->timeline && options->trace && strcmp(options->timeline, options->trace) == 0)
        argp_error(state, "--timeline and --trace need a file each");
    if (options->asked.count == 0)
        argp_error(state, "the server cannot sum 0 samples");
    if (options->asked.first > SAMPLE_END_MAX - options->asked.count)
        argp_error(state, "samples end before number 2^63");
    if (options->plain)
        check_plain(parsing, state);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    struct options *options = parsing->options;

    switch (key) {
    case 'c': parse_endpoints(options, state, text); break;
    case 's':
        options->asked.seed = parse_seed(state, text);
        options->fresh_seed = false;
        break;
    case 't': options->asked.timeout_ns = parse_duration(state, "--timeout", text); break;
    case 'q': options->quiet = true; break;
    case OPTION_JSON: options->json = true; break;
    case OPTION_GAUSSIAN:
        parsing->gaussian_given = true;
        options->asked.count = parse_count(state, parsing->run_option = "--gaussian", text);
        break;
    case OPTION_UNIFORM:
        options->uniform = parse_count(state, parsing->run_option = "--uniform", text);
        break;
    case OPTION_SLICE:
        options->stretch = false;
        options->slice_ns = parse_duration(state, parsing->run_option = "--slice", text);
        break;
    case OPTION_NARRATE:
        options->narrate_ns = parse_duration(state, parsing->run_option = "--narrate", text);
        break;
    case OPTION_KERNEL:
        options->kernel = parse_kernel(state, text);
        parsing->run_option = "--kernel";
        break;
    case OPTION_TIMELINE:
        options->timeline = parse_file(state, parsing->run_option = "--timeline", text);
        break;
    case OPTION_TRACE:
        options->trace = parse_file(state, parsing->run_option = "--trace", text);
        break;
    case OPTION_FIRST:
        options->asked.first = parse_count(state, parsing->sum_option = "--first", text);
        break;
    case OPTION_KIND:
        parsing->sum_option = "--kind";
        options->asked.kind = parse_kind(state, text);
        break;
    case OPTION_CHECKPOINT:
        options->checkpoint = parse_file(state, parsing->sum_option = "--checkpoint", text);
        break;
    case OPTION_FOR:
        options->for_ns = parse_duration(state, parsing->sum_option = "--for", text);
        if (options->for_ns == 0)
            argp_error(state, "--for %s: nothing can be summed in no time", text);
        break;
    case ARGP_KEY_ARG: parse_argument(parsing, state, text); break;
    case ARGP_KEY_END:
        fill_in_count(parsing);
        check(parsing, state);
        break;
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

void options_parse(struct options *options, int argc, char **argv)
{
    static const struct argp parser = {
        option_table,
        parse_option,
        "serial\nasync\ncompare\nsum COUNT\nsum --for TIME\nstatus",
        "Asks a server for the sum of many Gaussian samples, and sums uniform samples meanwhile."
        "\vserial waits for the answer and works then; async works while it waits; compare does "
        "both and shows the difference; sum asks for one sum; status tells how a server is, its "
        "workers "
        "and requests. Counts are written as 10M, 1.2e8 or "
        "120_000_000, times as 250us, 1ms or 1.5s.",
        NULL,
        NULL,
        NULL,
    };
    struct parsing parsing = {.options = options};

    argp_err_exit_status = 2;
    *options = (struct options){
        .endpoints = {{DEFAULT_ENDPOINT}, 1},
        .asked = {.seed = fresh_seed(), .kind = MEANTIME_GAUSSIAN, .count = DEFAULT_GAUSSIAN},
        .fresh_seed = true,
        .uniform = DEFAULT_UNIFORM,
        .kernel = kernel_best(),
        .slice_ns = DEFAULT_SLICE_NS,
        .stretch = true,
        .narrate_ns = DEFAULT_PAUSE_NS,
    };
    argp_parse(&parser, argc, argv, 0, NULL, &parsing);
    if (options->mode == MODE_SUM)
        options->uniform = 0;
}
