/* Sums of the powers of samples, against what the distribution says. */
#ifndef MEANTIME_TESTS_QUALITY_MOMENTS_H
#define MEANTIME_TESTS_QUALITY_MOMENTS_H

#include <stdint.h>

#include "sums/stream.h"
#include "tests/quality/findings.h"
#include "tests/quality/fixed.h"

#define MOMENTS 8

/* {0} is empty. */
struct moments {
    uint64_t count;
    fixed power_sum[MOMENTS]; /* of x^1 to x^8 */
};

/* values: BLOCK_SAMPLES of them; a uniform sample as 2 x - 1. */
void moments_add(struct moments *moments, const double *values);
void moments_join(struct moments *into, const struct moments *part);
void moments_report(const struct moments *moments, enum stream_kind kind,
                    struct findings *findings);

/* Expectation of x^n: 1 * 3 * ... * (n - 1) for even n, or 1 / (n + 1); 0 for odd n. */
double moment_expected(enum stream_kind kind, unsigned n);

#endif
