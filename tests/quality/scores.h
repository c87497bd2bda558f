/* Sums of blocks as standard scores, compared with the standard normal distribution.
 *
 * The project computes with sums of blocks. A sum also shows something that no count of samples
 * shows: correlations between samples of a block at any distance. */
#ifndef MEANTIME_TESTS_QUALITY_SCORES_H
#define MEANTIME_TESTS_QUALITY_SCORES_H

#include <stdint.h>

#include "sums/stream.h"
#include "tests/quality/findings.h"

/* Returns the sum of a whole block divided by its standard deviation, from the kernel that the
 * programs use. */
double block_score(const struct stream *stream, uint64_t block);

/* Adds the findings: mean, variance, correlation of neighbours, Kolmogorov-Smirnov,
 * Anderson-Darling. Sorts the scores. */
void scores_report(double *scores, uint64_t count, enum stream_kind kind,
                   struct findings *findings);

/* sorted: scores in ascending order. */
double kolmogorov_smirnov_distance(const double *sorted, uint64_t count);
double anderson_darling_square(const double *sorted, uint64_t count);

#endif
