/* For benchmarks of processes: the clock, and the end if a call of the system fails. */
#ifndef MEANTIME_TESTS_BENCH_CLOCK_H
#define MEANTIME_TESTS_BENCH_CLOCK_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* what: the call that has set errno. */
static inline void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

#endif
