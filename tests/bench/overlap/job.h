/* The job that tests/bench/overlap.py measures in several versions: a sum of Gaussian samples that
 * somebody else does, and a sum of uniform samples of one's own.
 * Arguments of each program: WAY SERVER GAUSSIAN UNIFORM SEED START-AT. */
#ifndef MEANTIME_BENCH_JOB_H
#define MEANTIME_BENCH_JOB_H

#include <stdint.h>

#include "sums/sum.h"

/* server: an endpoint, or whatever the program takes for one. start_at_s: by CLOCK_MONOTONIC, so
 * that several processes begin together; 0: at once.
 * Of the samples of one's own `total` has the first ones. answer: the other one's sum. */
struct job {
    const char *way;
    const char *server;
    uint64_t gaussian, uniform, seed;
    double start_at_s;
    const struct kernel *kernel;
    struct stream stream;
    struct total total;
    double answer;
    double began_at_s;
};

/* Does one way of doing the job. */
typedef void job_way(struct job *job);

struct job_named {
    const char *name;
    job_way *way;
};

/* Says why on stderr and ends the process. */
_Noreturn void job_fail(const char *why);

/* Ends the process where the arguments are wrong. */
void job_parse(struct job *job, char **argv);

/* Waits for the start; from then on it counts. */
void job_begin(struct job *job);

/* All that is left of one's own samples at once, without slices. */
void job_local(struct job *job);

/* So many blocks of them, or those that are left. Returns how many. */
uint64_t job_slice(void *job, uint64_t blocks);

/* Prints how long the job took and both sums, 0 for what was not asked for. */
void job_end(const struct job *job);

/* Does the job in the way that it names, of a table that ends with NULL. */
void job_run(struct job *job, const struct job_named *ways);

#endif
