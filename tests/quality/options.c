/* Parses the command line of `quality`. */
#include "tests/quality/options.h"

#include <argp.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/quantity.h"
#include "tests/quality/raw.h"

#define SEED 8197 /* the same for every run, so that findings are reproducible */

/* The short form takes some seconds on one core, the long form some minutes on several cores. */
#define SHORT_SAMPLES UINT64_C(100000000)
#define SHORT_SUMS    UINT64_C(8192)
#define LONG_SAMPLES  UINT64_C(40000000000)
#define LONG_SUMS     UINT64_C(1048576)

#define THREADS_MAX 1024
#define SUMS_MIN    1000 /* from this number on the limits of the distributions are valid */
#define SUMS_MAX    (UINT64_C(1) << 32)

enum {
    OPTION_SAMPLES = 256,
    OPTION_SUMS,
    OPTION_LONG,
    OPTION_MARKDOWN,
    OPTION_RAW,
    OPTION_BYTES,
};

static const struct argp_option option_table[] = {
    {"seed", 's', "SEED", 0, "First seed (8197)", 1},
    {"samples", OPTION_SAMPLES, "COUNT", 0, "Samples of each kind, at least (100M)", 1},
    {"sums", OPTION_SUMS, "COUNT", 0, "Sums of blocks of each kind, 1000 or more (8192)", 1},
    {"long", OPTION_LONG, 0, 0, "40G samples and 1048576 sums, on all cores", 1},
    {"threads", 't', "N", 0, "Threads (1; with --long: the cores)", 1},
    {"markdown", OPTION_MARKDOWN, 0, 0, "Print a table for the documents", 1},
    {0, 0, 0, 0, "Instead of the tests:", 2},
    {"raw", OPTION_RAW, "STREAM", 0, "Write raw bits to stdout: " RAW_STREAMS, 2},
    {"bytes", OPTION_BYTES, "COUNT", 0, "Number of bytes, at least (without end)", 2},
    {0},
};

static uint64_t parse_count(struct argp_state *state, const char *text, uint64_t least,
                            uint64_t most)
{
    uint64_t count = 0;
    if (!count_parse(text, &count) || count < least || count > most)
        argp_error(state, "%s: expected " COUNT_ACCEPTED ", here at least %" PRIu64, text, least);
    return count;
}

static uint64_t parse_seed(struct argp_state *state, const char *text)
{
    uint64_t seed = 0;
    if (!seed_parse(text, &seed))
        argp_error(state, "%s: expected " SEED_ACCEPTED, text);
    return seed;
}

static const char *parse_raw(struct argp_state *state, const char *text)
{
    if (!raw_known(text))
        argp_error(state, "%s: expected one of " RAW_STREAMS, text);
    return text;
}

static void take_long(struct quality_options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    options->samples = LONG_SAMPLES;
    options->sums = LONG_SUMS;
    options->threads = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (unsigned)cores;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct quality_options *options = state->input;
    switch (key) {
    case 's': options->seed = parse_seed(state, text); return 0;
    case OPTION_SAMPLES: options->samples = parse_count(state, text, 1, INT64_MAX); return 0;
    case OPTION_SUMS: options->sums = parse_count(state, text, SUMS_MIN, SUMS_MAX); return 0;
    case OPTION_LONG: take_long(options); return 0;
    case 't': options->threads = (unsigned)parse_count(state, text, 1, THREADS_MAX); return 0;
    case OPTION_MARKDOWN: options->markdown = true; return 0;
    case OPTION_RAW: options->raw = parse_raw(state, text); return 0;
    case OPTION_BYTES: options->bytes = parse_count(state, text, 1, INT64_MAX); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

void quality_options_parse(struct quality_options *options, int argc, char **argv)
{
    const struct argp argp = {
        option_table,
        parse,
        NULL,
        "Tests the sample streams of meantime. Prints a line for each test and exits with 1 if one "
        "of them fails.",
        NULL,
        NULL,
        NULL};
    *options = (struct quality_options){
        .seed = SEED, .samples = SHORT_SAMPLES, .sums = SHORT_SUMS, .threads = 1};
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, options);
}
