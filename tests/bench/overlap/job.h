/* The job that tests/bench/overlap.py measures in several versions: a server sums Gaussian samples,
 * and the program sums uniform samples.
 * Arguments of each program: WAY SERVER GAUSSIAN UNIFORM SEED START-AT. */
#ifndef MEANTIME_BENCH_JOB_H
#define MEANTIME_BENCH_JOB_H

#include <stdint.h>

#include "sums/sum.h"

struct overlap_job {
    const char *way;
    const char *server;         /* an endpoint, or another name that the program knows */
    uint64_t gaussian, uniform; /* samples of the server and of this program */
    uint64_t seed;
    double start_at_s; /* of CLOCK_MONOTONIC, so that several processes begin together; 0: now */
    const struct kernel *kernel;
    struct stream stream;
    struct total total; /* of this program's first samples */
    double answer;      /* the server's sum */
    double began_at_s;
};

/* Does one way of doing the job. */
typedef void overlap_function(struct overlap_job *job);

struct overlap_way {
    const char *name;
    overlap_function *way;
};

/* Prints the reason on stderr and ends the process. */
_Noreturn void overlap_fail(const char *why);

/* Ends the process if the arguments are wrong. */
void overlap_parse(struct overlap_job *job, char **argv);

/* Waits for the start, from which the time is measured. */
void overlap_begin(struct overlap_job *job);

/* Sums all remaining samples of this program, without slices. */
void overlap_local(struct overlap_job *job);

/* Sums up to `blocks` more blocks. Returns how many. */
uint64_t overlap_slice(void *job, uint64_t blocks);

/* Prints the seconds of the job and both sums; 0 for a sum that the way does not compute. */
void overlap_end(const struct overlap_job *job);

/* Does the job in the way job->way. ways: a table that ends with NULL. */
void overlap_run(struct overlap_job *job, const struct overlap_way *ways);

#endif
