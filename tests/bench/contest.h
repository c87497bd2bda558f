/* A program for tests/bench/sums.py: it sums the requested number of samples and measures the time.
 * One process has several contestants, so that all of them can take turns.
 *
 * On stdout the program first prints a line for each contestant, and an empty line:
 *     KIND <tab> NAME <tab> MADE WITH
 * Then it answers each line of stdin, `CONTESTANT SAMPLES`, with `CPU_NS WALL_NS SUM`, until stdin
 * ends. tests/bench/python_peers.py uses the same protocol. */
#ifndef MEANTIME_BENCH_CONTEST_H
#define MEANTIME_BENCH_CONTEST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __clang__
#define CONTEST_COMPILER "clang " __clang_version__
#else
#define CONTEST_COMPILER "gcc " __VERSION__
#endif

struct contestant {
    const char *kind; /* a key of KINDS in sums.py, or "clock" */
    const char *name;
    const char *made_with;
    /* Returns the sum of the next samples; if they are written to an array, that of the last
     * 65,536. samples: a multiple of 65,536. */
    double (*sum)(void *state, uint64_t samples);
    void *state;
};

/* Answers requests until stdin ends. Returns the exit code: 1 after an invalid line. */
int contest_serve(const struct contestant *contestants, int count);

#ifdef __cplusplus
}
#endif

#endif
