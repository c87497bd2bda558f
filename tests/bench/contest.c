/* Runs the contestants of a benchmark and measures their times. */
#include "tests/bench/contest.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "proto/instant.h"

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void answer(const struct contestant *contestant, uint64_t samples)
{
    int64_t wall_ns = clock_ns(CLOCK_MONOTONIC);
    int64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    double sum = contestant->sum(contestant->state, samples);
    cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
    wall_ns = clock_ns(CLOCK_MONOTONIC) - wall_ns;
    printf("%" PRId64 " %" PRId64 " %.17g\n", cpu_ns, wall_ns, sum);
    fflush(stdout);
}

int contest_serve(const struct contestant *contestants, int count)
{
    int index;
    uint64_t samples;
    for (int i = 0; i < count; i++)
        printf("%s\t%s\t%s\n", contestants[i].kind, contestants[i].name, contestants[i].made_with);
    printf("\n");
    fflush(stdout);
    int fields;
    while ((fields = scanf("%d %" SCNu64, &index, &samples)) == 2 && index >= 0 && index < count)
        answer(&contestants[index], samples);
    return fields == EOF ? 0 : 1;
}
