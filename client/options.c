/* Parses and checks the command line of meantime. */
#include "client/options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/common/quantity.h"
#include "client/lesson/plain_server.h"
#include "proto/bounds.h"
#include "proto/instant.h"
#include "sums/kernel_option.h"

#define DEFAULT_ENDPOINT   "tcp://127.0.0.1:8197"
#define DEFAULT_GAUSSIAN   UINT64_C(10000000)
#define DEFAULT_UNIFORM    UINT64_C(120000000)
#define DEFAULT_SLICE_NS   NS_PER_MS
#define DEFAULT_NARRATE_NS NS_PER_S

/* Keys of options without a letter. */
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

/* Groups of options, in the order of --help. */
enum {
    GROUP_ALL = 1,
    GROUP_LESSON, /* for serial, async and compare */
    GROUP_SUM
};

static const struct argp_option option_table[] = {
    {"connect", 'c', "ENDPOINT,...", 0,
     "Where the servers are (default " DEFAULT_ENDPOINT
     "). If a server is unreachable, busy or lost, the client asks the next one. plain://host:port "
     "is a server that gives each TCP connection one sum as text",
     GROUP_ALL},
    {"seed", 's', "SEED", 0, "Seed of the samples (default: a random seed, which is printed)",
     GROUP_ALL},
    {"timeout", 't', "TIME", 0, "How long to wait for the answer (default: without limit)",
     GROUP_ALL},
    {"json", OPTION_JSON, 0, 0, "Print only one JSON object on stdout", GROUP_ALL},
    {"quiet", 'q', 0, 0, "Print only results", GROUP_ALL},
    {0, 0, 0, 0, "For serial, async and compare:", GROUP_LESSON},
    {"gaussian", OPTION_GAUSSIAN, "COUNT", 0,
     "Gaussian samples that the server sums in server_request (10M)", GROUP_LESSON},
    {"uniform", OPTION_UNIFORM, "COUNT", 0,
     "Uniform samples that the client sums in uniform_sum (120M)", GROUP_LESSON},
    {"slice", OPTION_SLICE, "TIME", 0,
     "Length of a slice of uniform_sum, between two looks for the answer (default: 1ms; longer if "
     "looks would take more than 0.05 % of the time)",
     GROUP_LESSON},
    {"narrate", OPTION_NARRATE, "TIME", 0,
     "Print at most one Pausing/Resuming pair per TIME (default 1s; 0: all)", GROUP_LESSON},
    {"kernel", OPTION_KERNEL, "NAME", 0,
     "Kernel for uniform_sum (default: the fastest that this machine can run)", GROUP_LESSON},
    {"timeline", OPTION_TIMELINE, "FILE.svg", 0,
     "Draw when server_request and uniform_sum were busy", GROUP_LESSON},
    {"trace", OPTION_TRACE, "FILE.json", 0,
     "Write every slice and look, for chrome://tracing or ui.perfetto.dev", GROUP_LESSON},
    {0, 0, 0, 0, "For sum:", GROUP_SUM},
    {"first", OPTION_FIRST, "N", 0, "Number of the first sample (0)", GROUP_SUM},
    {"kind", OPTION_KIND, "KIND", 0, "gaussian (default) or uniform", GROUP_SUM},
    {"checkpoint", OPTION_CHECKPOINT, "FILE", 0,
     "Save the progress in FILE. After an interrupt, a crash or a kill, the same command resumes "
     "the sum from FILE",
     GROUP_SUM},
    {"for", OPTION_FOR, "TIME", 0, "Sum for TIME: as many samples as possible, but at most COUNT",
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

/* The state of the parser. */
struct parsing {
    struct client_options *options;
    bool mode_given;
    bool given[OPTION_KEYS]; /* [key]: the user gave this option */
    const char *option;      /* name of the option whose argument is parsed now */
};

/* Ignores keys that are not in the table: those are of argp. */
static void mark_given(struct parsing *parsing, int key)
{
    for (const struct argp_option *option = option_table; option->group; option++)
        if (option->key && option->key == key) {
            parsing->given[key] = true;
            parsing->option = option->name;
        }
}

/* The name of an option of this group that the user gave; NULL: none. */
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

/* Splits `text` at commas. Writes into it. */
static void parse_endpoints(struct client_options *options, struct argp_state *state, char *text)
{
    struct endpoints *endpoints = &options->endpoints;
    char *name;

    options->plain_endpoint = NULL;
    endpoints->count = 0;
    while ((name = strsep(&text, ","))) {
        if (!*name)
            argp_error(state, "--connect: expected endpoints, separated by commas");
        if (endpoints->count == MEANTIME_ENDPOINTS_MAX)
            argp_error(state, "--connect: expected at most %d endpoints", MEANTIME_ENDPOINTS_MAX);
        endpoints->names[endpoints->count++] = name;
        if (strncmp(name, PLAIN_SCHEME, strlen(PLAIN_SCHEME)) == 0)
            options->plain_endpoint = name;
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
        if (!count_parse(text, &options->question.count))
            argp_error(state, "sum %s: expected " COUNT_ACCEPTED, text);
        options->count_given = true;
    } else
        argp_error(state, "unexpected argument: %s", text);
}

/* Sets the fields that depend on which options the user gave. */
static void complete(const struct parsing *parsing)
{
    struct client_options *options = parsing->options;
    bool sum = options->mode == MODE_SUM;

    options->seed_given = parsing->given['s'];
    options->slice_given = parsing->given[OPTION_SLICE];
    if (sum)
        options->uniform = 0;
    if (sum && options->for_ns > 0 && !options->count_given) /* up to the end of the stream */
        options->question.count = SAMPLE_END_MAX - options->question.first;
}

/* A plain server receives no request: it chooses the samples itself. */
static void check_plain(const struct parsing *parsing, struct argp_state *state)
{
    const struct client_options *options = parsing->options;

    if (!plain_server_is_endpoint(options->plain_endpoint))
        argp_error(state, "--connect %s: expected plain://host:port", options->plain_endpoint);
    if (options->endpoints.count > 1)
        argp_error(state, "--connect: a plain:// endpoint must be the only one");
    if (options->mode == MODE_SUM)
        argp_error(state, "sum is not for plain servers: they accept no seed and no count");
    if (options->mode == MODE_STATUS)
        argp_error(state, "status is not for plain servers: they send only sums");
    if (parsing->given[OPTION_GAUSSIAN])
        argp_error(state, "--gaussian is not for plain servers: they choose the count");
}

static void check(const struct parsing *parsing, struct argp_state *state)
{
    const struct client_options *options = parsing->options;
    const char *of_lesson = given_of(parsing, GROUP_LESSON), *of_sum = given_of(parsing, GROUP_SUM);
    bool sum = options->mode == MODE_SUM, status = options->mode == MODE_STATUS;

    if (!parsing->mode_given)
        argp_error(state, "name a command: serial, async, compare, sum or status");
    if (parsing->given[OPTION_FOR] && options->for_ns == 0)
        argp_error(state, "--for 0: expected more than 0");
    if (sum && !options->count_given && options->for_ns == 0)
        argp_error(state, "sum needs a count of samples, such as: sum 10M");
    if ((sum || status) && of_lesson)
        argp_error(state, "--%s is not for %s", of_lesson, sum ? "sum" : "status");
    if (!sum && of_sum)
        argp_error(state, "--%s is only for sum", of_sum);
    if (options->timeline && options->trace && strcmp(options->timeline, options->trace) == 0)
        argp_error(state, "--timeline and --trace need two different files");
    if (options->question.count == 0)
        argp_error(state, "the server cannot sum 0 samples");
    if (options->question.first > SAMPLE_END_MAX - options->question.count)
        argp_error(state, "the stream ends at sample 2^63: --first plus COUNT is beyond it");
    if (options->plain_endpoint)
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
    struct meantime_question *question = &options->question;

    mark_given(parsing, key);
    switch (key) {
    case 'c': parse_endpoints(options, state, text); break;
    case 's': question->seed = parse_seed(state, text); break;
    case 't': question->timeout_ns = parse_duration(parsing, state, text); break;
    case 'q': options->quiet = true; break;
    case OPTION_JSON: options->json = true; break;
    case OPTION_GAUSSIAN: question->count = parse_count(parsing, state, text); break;
    case OPTION_UNIFORM: options->uniform = parse_count(parsing, state, text); break;
    case OPTION_SLICE: options->slice_ns = parse_duration(parsing, state, text); break;
    case OPTION_NARRATE: options->narrate_every_ns = parse_duration(parsing, state, text); break;
    case OPTION_KERNEL: options->kernel = kernel_option(state, text); break;
    case OPTION_TIMELINE: options->timeline = parse_file(parsing, state, text); break;
    case OPTION_TRACE: options->trace = parse_file(parsing, state, text); break;
    case OPTION_FIRST: question->first = parse_count(parsing, state, text); break;
    case OPTION_KIND: question->kind = parse_kind(state, text); break;
    case OPTION_CHECKPOINT: options->checkpoint = parse_file(parsing, state, text); break;
    case OPTION_FOR: options->for_ns = parse_duration(parsing, state, text); break;
    case ARGP_KEY_ARG: parse_argument(parsing, state, text); break;
    case ARGP_KEY_END: finish(parsing, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        abort(); /* Linux never returns fewer than 8 bytes; it waits instead */
    return seed;
}

void client_options_parse(struct client_options *options, int argc, char **argv)
{
    static const struct argp parser = {
        option_table,
        parse_option,
        "serial\nasync\ncompare\nsum COUNT\nsum --for TIME\nstatus",
        "Asks a server for the sum of many Gaussian samples (server_request), and sums uniform "
        "samples itself (uniform_sum)."
        "\vserial waits for the answer of server_request, and then computes uniform_sum. async "
        "computes uniform_sum while it waits. compare does both and shows the difference. sum asks "
        "for one sum. status prints the state, the workers and the requests of servers. Write "
        "counts as 10M, 1.2e8 or 120_000_000, and times as 250us, 1ms or 1.5s.",
        NULL,
        NULL,
        NULL,
    };
    struct parsing parsing = {.options = options};

    argp_err_exit_status = 2;
    *options = (struct client_options){
        .endpoints = {{DEFAULT_ENDPOINT}, 1},
        .question = {.seed = random_seed(), .kind = MEANTIME_GAUSSIAN, .count = DEFAULT_GAUSSIAN},
        .uniform = DEFAULT_UNIFORM,
        .kernel = kernel_best(),
        .slice_ns = DEFAULT_SLICE_NS,
        .narrate_every_ns = DEFAULT_NARRATE_NS,
    };
    argp_parse(&parser, argc, argv, 0, NULL, &parsing);
}
