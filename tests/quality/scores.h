/* Sums of blocks as standard scores, against the standard normal distribution.
 *
 * The sum of a block is what the project computes from, and it shows what no count of samples can:
 * samples of a block that attract or repel each other over any distance. */
#ifndef MEANTIME_TESTS_QUALITY_SCORES_H
#define MEANTIME_TESTS_QUALITY_SCORES_H

#include <stdint.h>

#include "sums/stream.h"
#include "tests/quality/findings.h"

/* Sum of a whole block over its standard deviation, by the kernel that the programs use. */
double block_score(const struct stream *stream, uint64_t block);

/* Mean, variance, correlation of neighbours, Kolmogorov-Smirnov, Anderson-Darling. Sorts the
 * scores. */
void scores_report(double *scores, uint64_t count, enum stream_kind kind,
                   struct findings *findings);

/* Of scores in ascending order. */
double kolmogorov_smirnov_distance(const double *sorted, uint64_t count);
double anderson_darling_square(const double *sorted, uint64_t count);

#endif
