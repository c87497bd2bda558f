/* The main program of both simulators: runs schedules, see simulation.h. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/sim/batch.h"
#include "tests/sim/simulation.h"
#include "tests/support/chance.h"

/* The memory of dispatchers that have ended stays with the process, because page faults would take
 * a quarter of its time. */
#define KEPT_BYTES (64 << 20)

struct options {
    uint64_t first;
    uint64_t count;
    bool some; /* --seeds: do not fail if a happening never occurred */
    bool until_failure;
    bool trace; /* print every event */
    bool hash;
};

static const char usage[] =
    "Usage: %s [--seeds FIRST:COUNT] [--long] [--until-failure] [--trace] [--hash]\n"
    "  --seeds          run these schedules (default 1:%" PRIu64 ")\n"
    "  --long           run schedules 1:%" PRIu64 "\n"
    "  --until-failure  stop after the first failure\n"
    "  --trace          run in one process and print every event\n"
    "  --hash           run in one process and print a hash of all events\n";

static bool parse_seeds(struct options *options, const char *text)
{
    int end = 0;

    options->some = true;
    return sscanf(text, "%" SCNu64 ":%" SCNu64 "%n", &options->first, &options->count, &end) == 2 &&
           text[end] == '\0' && options->count > 0;
}

static bool parse(struct options *options, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--long") == 0)
            options->count = simulation.seeds_long;
        else if (strcmp(arguments[i], "--until-failure") == 0)
            options->until_failure = true;
        else if (strcmp(arguments[i], "--trace") == 0)
            options->trace = true;
        else if (strcmp(arguments[i], "--hash") == 0)
            options->hash = true;
        else if (strcmp(arguments[i], "--seeds") != 0 || ++i == count ||
                 !parse_seeds(options, arguments[i]))
            return false;
    }
    return true;
}

/* Runs all schedules in this process, so that the output is in order and a debugger can be used. */
static unsigned run_here(const struct options *options, struct tally *tally)
{
    void *world = calloc(1, simulation.world_bytes);
    struct outcome outcome;
    uint64_t hash = 0;
    unsigned failures = 0;

    if (!world) {
        perror("sim: memory for a schedule");
        return 1;
    }
    for (uint64_t seed = options->first; seed < options->first + options->count; seed++) {
        simulation.run(world, seed, options->trace, tally, &outcome);
        hash = chance_mix(hash + outcome.hash);
        if (!outcome.violation[0])
            continue;
        printf("seed %" PRIu64 ": %s\n", seed, outcome.violation);
        failures++;
    }
    if (options->hash)
        printf("trace %016" PRIx64 "\n", hash);
    free(world);
    return failures;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Processor time of the child processes that have ended. */
static double processor_s(void)
{
    struct rusage used;

    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void print_summary(const struct tally *tally, unsigned failures, double seconds)
{
    double hours = (double)tally->simulated_ms / 3.6e6;

    tally_print(tally, simulation.happenings, simulation.happening_count);
    printf("%" PRIu64 " schedules, %u violations, %" PRIu64 " steps\n"
           "%.1f simulated hours in %.1f s: %.0f a real minute\n"
           "%.1f s of processor time: %.0f a minute of one core\n",
           tally->schedules, failures, tally->steps, hours, seconds, hours * 60 / seconds,
           processor_s(), hours * 60 / processor_s());
}

int main(int count, char **arguments)
{
    struct options options = {.first = 1, .count = simulation.seeds};
    struct tally tally = {0};
    double began_s = now_s();
    unsigned failures;

    if (!parse(&options, count, arguments)) {
        fprintf(stderr, usage, arguments[0], simulation.seeds, simulation.seeds_long);
        return 2;
    }
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    if (options.trace || options.hash)
        return run_here(&options, &tally) ? 1 : 0;
    failures = batch_run(options.first, options.count, options.until_failure, arguments[0], &tally);
    print_summary(&tally, failures, now_s() - began_s);
    if (!options.some)
        failures += tally_print_missing(&tally, simulation.happenings, simulation.happening_count);
    return failures ? 1 : 0;
}
