/* Figures that were measured again and again, and the table that they are printed in. */
#ifndef MEANTIME_BENCH_POOL_FIGURES_H
#define MEANTIME_BENCH_POOL_FIGURES_H

#include <stdint.h>

#define FIGURES_MAX 4096

/* Zero-initialised, it is empty. */
struct figures {
    double values[FIGURES_MAX];
    int count;
};

/* What a figure should be. The bound is the row's unit's. */
struct wanted {
    enum { WANTED_AT_LEAST, WANTED_AT_MOST } side;
    double quantile; /* 0.5: the median */
    double bound;
};

/* At most FIGURES_MAX; further ones are left out. */
void figures_add(struct figures *figures, double value);

/* The smallest value that the share q of all do not exceed. figures: not empty. */
double figures_quantile(const struct figures *figures, double q);

void figures_print_heading(void);

/* A row of the table. wanted: NULL for nothing. */
void figures_print(const char *what, const char *unit, const struct figures *figures,
                   const struct wanted *wanted);

/* CLOCK_MONOTONIC, the same for all processes. */
int64_t now_ns(void);

static inline double ns_to_ms(int64_t ns)
{
    return (double)ns / 1e6;
}

#endif
