/* Measures a pool of servers: throughput of its front, recovery from losses, and memory.
 * Usage: bench_pool PATH-OF-meantime-server [--verbose] [PART...] */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/pool/child.h"
#include "tests/bench/pool/figures.h"
#include "tests/bench/pool/parts.h"
#include "tests/bench/pool/roles.h"

/* A part that takes longer, even on a busy machine, hangs. */
#define PART_SECONDS_MAX 400

/* Sockets of this process. part_memory() needs most. */
#define SOCKETS_MAX 2048

static const struct bench_part {
    const char *name;
    void (*measure)(const struct bench *bench);
} parts[] = {
    {"spans", part_spans},   {"efficiency", part_efficiency}, {"terms", part_terms},
    {"kill", part_kill},     {"freeze", part_freeze},         {"restart", part_restart},
    {"cancel", part_cancel}, {"status", part_status},         {"busy", part_busy},
    {"flood", part_flood},   {"memory", part_memory},         {"idle", part_idle},
    {"quota", part_quota},   {"pauses", part_pauses},         {"log", part_log},
};
#define PARTS (sizeof parts / sizeof *parts)

static void usage(void)
{
    fprintf(stderr, "usage: bench_pool PATH-OF-meantime-server [--verbose] [PART...]\n"
                    "parts:");
    for (size_t i = 0; i < PARTS; i++)
        fprintf(stderr, " %s", parts[i].name);
    fprintf(stderr, " (default: all)\n");
    exit(2);
}

static const struct bench_part *part_named(const char *name)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    usage();
    return NULL;
}

static void part_run(const struct bench *bench, const struct bench_part *part)
{
    alarm(PART_SECONDS_MAX);
    part->measure(bench);
    alarm(0);
}

static void on_alarm(int signal)
{
    static const char text[] = "bench_pool: a part takes too long\n";

    (void)signal;
    _exit(write(STDERR_FILENO, text, sizeof text - 1) == -1 ? EXIT_FAILURE : EXIT_FAILURE);
}

/* Raises the limit of open files. Servers inherit the limit. */
static void files_allow(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--as") == 0)
        return roles_play(argv + 2);
    if (argc < 2)
        usage();
    struct bench bench = {.server = argv[1], .context = zmq_ctx_new()};
    int first = argc > 2 && strcmp(argv[2], "--verbose") == 0 ? 3 : 2;

    for (int i = first; i < argc; i++)
        part_named(argv[i]);
    children_verbose(first == 3);
    signal(SIGALRM, on_alarm);
    files_allow();
    zmq_ctx_set(bench.context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
    figures_print_heading();
    for (int i = first; i < argc; i++)
        part_run(&bench, part_named(argv[i]));
    for (size_t i = 0; first == argc && i < PARTS; i++)
        part_run(&bench, &parts[i]);
    zmq_ctx_term(bench.context);
    return EXIT_SUCCESS;
}
