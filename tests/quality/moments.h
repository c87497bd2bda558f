/* Sums of the powers of samples, compared with the distribution. */
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

/* values: BLOCK_SAMPLES values. A uniform sample x has the value 2 x - 1. */
void moments_add(struct moments *moments, const double *values);
void moments_merge(struct moments *into, const struct moments *part);
void moments_report(const struct moments *moments, enum stream_kind kind,
                    struct findings *findings);

/* Returns the expectation of x^n. For even n it is 1 * 3 * ... * (n - 1) for gaussian samples, and
 * 1 / (n + 1) for uniform ones. For odd n it is 0. */
double moment_expected(enum stream_kind kind, unsigned n);

#endif
