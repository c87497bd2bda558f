/* The work of the overlap benchmark: see job.h. */
#include "tests/bench/overlap/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARGUMENTS 6

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void overlap_fail(const char *why)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
    exit(EXIT_FAILURE);
}

void overlap_parse(struct overlap_job *job, char **argv)
{
    for (int i = 1; i <= ARGUMENTS; i++)
        if (!argv[i])
            overlap_fail("expected WAY SERVER GAUSSIAN UNIFORM SEED START-AT");
    *job = (struct overlap_job){
        .way = argv[1],
        .server = argv[2],
        .gaussian = strtoull(argv[3], NULL, 10),
        .uniform = strtoull(argv[4], NULL, 10),
        .seed = strtoull(argv[5], NULL, 10),
        .start_at_s = strtod(argv[6], NULL),
        .kernel = kernel_best(),
    };
    stream_init(&job->stream, job->seed, STREAM_UNIFORM);
}

static void wait_until(double at_s)
{
    struct timespec at = {.tv_sec = (time_t)at_s};

    at.tv_nsec = (long)((at_s - (double)at.tv_sec) * 1e9);
    if (now_s() > at_s)
        overlap_fail("the start time has passed: the machine is too busy to measure");
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

void overlap_begin(struct overlap_job *job)
{
    if (job->start_at_s > 0)
        wait_until(job->start_at_s);
    job->began_at_s = job->start_at_s > 0 ? job->start_at_s : now_s();
}

static uint64_t sum_next(struct overlap_job *job, uint64_t count)
{
    uint64_t left = job->uniform - job->total.count;

    if (count > left)
        count = left;
    sum_range(job->kernel, &job->stream, job->total.count, count, &job->total);
    return count;
}

void overlap_local(struct overlap_job *job)
{
    sum_next(job, job->uniform);
}

uint64_t overlap_slice(void *job, uint64_t blocks)
{
    return (sum_next(job, blocks * BLOCK_SAMPLES) + BLOCK_SAMPLES - 1) / BLOCK_SAMPLES;
}

void overlap_end(const struct overlap_job *job)
{
    double uniform = total_value(job->total.units, stream_unit_log2(STREAM_UNIFORM));

    printf("%.9f %.17g %.17g\n", now_s() - job->began_at_s, job->answer, uniform);
}

void overlap_run(struct overlap_job *job, const struct overlap_way *ways)
{
    while (ways->name && strcmp(ways->name, job->way) != 0)
        ways++;
    if (!ways->name)
        overlap_fail("no such way");
    ways->way(job);
}
