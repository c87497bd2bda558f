/* What a helper process costs: an empty span beside a round trip between two bare processes, and
 * the time from a crash until another helper has the span.
 *
 *     bench_helper DARTS.so FAULTS.so [ROUNDS]
 *
 * The parts alternate, so that both have the same machine. */
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/instant.h"
#include "summand/helper_program.h"
#include "summand/helpers.h"
#include "summand/summand.h"

#define ROUNDS     1000
#define ROUNDS_MAX 1000000
#define FAULT_TERM 5000 /* of faults.c */

#define TERMS_BEFORE 200000000 /* take about 100 ms, in which the next helper loads the file */

/* Bytes of the bare round trip: as many as those of a span and of its reply, about. */
#define ASK_BYTES   600
#define REPLY_BYTES 700

static struct helper_outcome outcome;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value that `share` of all are not above. Sorts. */
static double quantile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, compare);
    return values[(size_t)(share * (double)(count - 1))];
}

static struct summand summand_of(int program, const char *path)
{
    const struct helper_settings settings = {
        .program = program,
        .kernel = kernel_best(),
        .memory_bytes = HELPER_MEMORY_BYTES,
        .call_timeout_ns = HELPER_CALL_TIMEOUT_NS,
    };
    struct summand summand;
    char error[SENTENCE_BYTES];
    if (!summand_init(&summand, path, &settings, error)) {
        fprintf(stderr, "bench_helper: %s: %s\n", path, error);
        exit(EXIT_FAILURE);
    }
    return summand;
}

/* ---- an empty span ------------------------------------------------------------------------- */

/* Returns the socket of a process that replies to each message. */
static int bare_peer(pid_t *pid)
{
    static char message[REPLY_BYTES];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1)
        exit(EXIT_FAILURE);
    *pid = fork();
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]);
        while (read(pair[1], message, ASK_BYTES) > 0)
            if (write(pair[1], message, REPLY_BYTES) == -1)
                _exit(EXIT_FAILURE);
        _exit(EXIT_SUCCESS);
    }
    close(pair[1]);
    return pair[0];
}

static double bare_us(int socket)
{
    static char message[REPLY_BYTES];
    int64_t began_at_ns = now_ns();
    if (write(socket, message, ASK_BYTES) == -1 || read(socket, message, REPLY_BYTES) == -1)
        exit(EXIT_FAILURE);
    return (double)(now_ns() - began_at_ns) / 1e3;
}

static double span_us(struct helper_process *process)
{
    static const struct helper_question question = {.seed = 1};
    int64_t began_at_ns = now_ns();
    helper_process_sum(process, &question, 0, 0);
    while (!helper_process_next(process, &outcome))
        helper_process_wait(process, NS_PER_S);
    assert(outcome.end == HELPER_SUMMED);
    return (double)(now_ns() - began_at_ns) / 1e3;
}

static void measure_empty_spans(const struct summand *summand, size_t rounds)
{
    char error[SENTENCE_BYTES];
    double *bare = calloc(rounds, sizeof *bare), *span = calloc(rounds, sizeof *span);
    pid_t pid;
    int socket = bare_peer(&pid);
    struct helper_process *process = helper_process_new(&summand->settings, error);
    assert(bare && span && process);
    span_us(process); /* loads the file */
    for (size_t i = 0; i < rounds; i++) {
        bare[i] = bare_us(socket);
        span[i] = span_us(process);
    }
    double bare_median = quantile(bare, rounds, 0.5), span_median = quantile(span, rounds, 0.5);
    printf("empty span, median of %zu: %.1f us; bare socketpair: %.1f us; ratio %.2f\n", rounds,
           span_median, bare_median, span_median / bare_median);
    helper_process_destroy(&process);
    close(socket);
    waitpid(pid, NULL, 0);
    free(bare);
    free(span);
}

/* ---- a crash ------------------------------------------------------------------------------- */

static bool never(void *context)
{
    (void)context;
    return false;
}

static void print_line(void *context, const struct summand *summand, const char *line)
{
    (void)context;
    printf("%s: %s\n", summand->name, line);
}

static const struct helpers_watch watch = {never, print_line, NULL};

static void sum_terms(struct helpers *helpers, struct helpers_task *task, uint64_t first,
                      uint64_t count, enum helper_end end)
{
    task->first = first;
    task->count = count;
    helpers_sum(helpers, task, &watch, &outcome);
    assert(outcome.end == end);
}

/* From the start of a span of one term that crashes until another helper has summed a term. Before,
 * the request sums `before` terms: during this time, the next helper loads the file. */
static double crash_ms(struct helpers *helpers, const struct summand *summand, uint64_t before)
{
    struct helpers_task task = {.summand = summand};
    task.question = (struct helper_question){.seed = 1, .parameters = "fault=segv"};
    sum_terms(helpers, &task, FAULT_TERM + 1, before, HELPER_SUMMED);
    helpers_prepare(helpers);
    int64_t began_at_ns = now_ns();
    sum_terms(helpers, &task, FAULT_TERM, 1, HELPER_DIED);
    sum_terms(helpers, &task, FAULT_TERM + 1, 1, HELPER_SUMMED);
    return (double)(now_ns() - began_at_ns) / 1e6;
}

static void measure_crashes(const struct summand *summand, uint64_t before, const char *when,
                            size_t rounds)
{
    double *ms = calloc(rounds, sizeof *ms);
    struct helpers *helpers = helpers_new();
    assert(ms && helpers);
    for (size_t i = 0; i < rounds; i++)
        ms[i] = crash_ms(helpers, summand, before);
    double median = quantile(ms, rounds, 0.5);
    printf("SIGSEGV %s until another helper has the span, %zu times: median %.2f ms; 95 %%: "
           "%.2f ms\n",
           when, rounds, median, quantile(ms, rounds, 0.95));
    helpers_destroy(&helpers);
    free(ms);
}

int main(int argc, char **argv)
{
    size_t rounds = argc == 4 ? strtoul(argv[3], NULL, 10) : ROUNDS;
    char error[SENTENCE_BYTES];
    if (argc < 3 || argc > 4 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_helper DARTS.so FAULTS.so [ROUNDS]\n");
        return 2;
    }
    int program = helper_program_open(error);
    struct summand darts = summand_of(program, argv[1]), faults = summand_of(program, argv[2]);
    measure_empty_spans(&darts, rounds);
    measure_crashes(&faults, TERMS_BEFORE, "in a request that runs", (rounds + 4) / 5);
    measure_crashes(&faults, 0, "in the first span", (rounds + 4) / 5);
    summand_clear(&darts);
    summand_clear(&faults);
    return 0;
}
