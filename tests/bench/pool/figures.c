/* Repeated measurements and their table: see figures.h. */
#include "tests/bench/pool/figures.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/instant.h"

void figures_add(struct figures *figures, double value)
{
    if (figures->count < FIGURES_MAX)
        figures->values[figures->count++] = value;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double figures_quantile(const struct figures *figures, double q)
{
    double sorted[FIGURES_MAX];
    int rank = (int)ceil(q * figures->count);

    memcpy(sorted, figures->values, (size_t)figures->count * sizeof *sorted);
    qsort(sorted, (size_t)figures->count, sizeof *sorted, ascending);
    return sorted[rank > 0 ? rank - 1 : 0];
}

void figures_print_heading(void)
{
    printf("%-56s %-5s %9s %9s %9s %9s %9s %6s  %s\n", "what", "unit", "least", "median", "95 %",
           "99 %", "most", "times", "wanted");
    fflush(stdout);
}

static void print_wanted(const struct figures *figures, const struct wanted *wanted)
{
    double found = figures_quantile(figures, wanted->quantile);
    bool least = wanted->side == WANTED_AT_LEAST;
    bool met = least ? found >= wanted->bound : found <= wanted->bound;

    if (wanted->quantile == 0.5)
        printf("  median");
    else
        printf("  %g %%", wanted->quantile * 100);
    printf(" %s %g: %s", least ? ">=" : "<=", wanted->bound, met ? "yes" : "NO");
}

void figures_print(const char *what, const char *unit, const struct figures *figures,
                   const struct wanted *wanted)
{
    static const double quantiles[] = {0, 0.5, 0.95, 0.99, 1};

    printf("%-56s %-5s", what, unit);
    for (size_t i = 0; figures->count > 0 && i < sizeof quantiles / sizeof *quantiles; i++)
        printf(" %9.4g", figures_quantile(figures, quantiles[i]));
    printf(" %6d", figures->count);
    if (wanted && figures->count > 0)
        print_wanted(figures, wanted);
    printf("\n");
    fflush(stdout);
}

int64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}
