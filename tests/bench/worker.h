/* A worker of tests/bench/sums.py: sums as many samples as it is asked for, and tells how long it
 * took. One process has several contestants, so that all of them can take turns.
 *
 * On stdout it first introduces its contestants, a line each, and an empty line:
 *     KIND <tab> NAME <tab> MADE WITH
 * Then it answers each line of stdin, `CONTESTANT SAMPLES`, with `CPU_NS WALL_NS SUM`, until stdin
 * ends. tests/bench/python_peers.py speaks the same. */
#ifndef MEANTIME_BENCH_WORKER_H
#define MEANTIME_BENCH_WORKER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __clang__
#define WORKER_COMPILER "clang " __clang_version__
#else
#define WORKER_COMPILER "gcc " __VERSION__
#endif

struct contestant {
    const char *kind; /* "gaussian", "uniform" or "clock" */
    const char *name;
    const char *made_with;
    /* The sum of the next `samples` samples; a multiple of 65,536. */
    double (*sum)(void *state, uint64_t samples);
    void *state;
};

/* Serves until stdin ends. Returns the exit code: 1 after a line that is no request. */
int worker_serve(const struct contestant *contestants, int count);

#ifdef __cplusplus
}
#endif

#endif
