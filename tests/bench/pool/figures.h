/* Collects repeated measurements and prints their table. */
#ifndef MEANTIME_BENCH_POOL_FIGURES_H
#define MEANTIME_BENCH_POOL_FIGURES_H

#include <stdint.h>

#define FIGURES_MAX 4096

/* An object of zeros is empty. */
struct figures {
    double values[FIGURES_MAX];
    int count;
};

/* A bound for a quantile of a figure, in the unit of its row. */
struct wanted {
    enum { WANTED_AT_LEAST, WANTED_AT_MOST } side;
    double quantile; /* 0.5: the median */
    double bound;
};

/* Ignores values after the first FIGURES_MAX. */
void figures_add(struct figures *figures, double value);

/* Returns the smallest value that the share q of all values does not exceed. figures: not empty. */
double figures_quantile(const struct figures *figures, double q);

void figures_print_heading(void);

/* Prints a row of the table. wanted: a bound or NULL. */
void figures_print(const char *what, const char *unit, const struct figures *figures,
                   const struct wanted *wanted);

/* CLOCK_MONOTONIC, the same for all processes. */
int64_t bench_now_ns(void);

static inline double ns_to_ms(int64_t ns)
{
    return (double)ns / 1e6;
}

#endif
