/* Decides when a sum with --until-error is long enough. A leaf.
 *
 * The error is evaluated only at certain counts of terms, 2^k and 3 * 2^k. Pieces end at these
 * counts. So the result depends only on the terms, and not on the speed or the number of the
 * servers. */
#ifndef MEANTIME_CLIENT_SUM_STOPPING_H
#define MEANTIME_CLIENT_SUM_STOPPING_H

#include <stdbool.h>
#include <stdint.h>

/* The first count. With fewer terms, a standard error says little if some values are rare. */
#define STOPPING_FIRST UINT64_C(65536)

/* Returns the next count after `count` at which the error is evaluated; UINT64_MAX: none follows.
 */
uint64_t stopping_next(uint64_t count);

/* True if a sum of `count` terms ends with this estimate.
 * wanted: the standard error that the user wants, above 0.
 * variance: of the terms. While it is 0, the sum continues, because rare values may be missing. */
bool stopping_reached(uint64_t count, double wanted, double variance, double standard_error);

/* Returns at which count the sum may end, if the error goes on to fall with the root of the count:
 * at most `count_max`. For the progress; the result does not depend on it.
 * count: terms so far, 1 or more, with this standard error. */
uint64_t stopping_expected(uint64_t count, double wanted, double standard_error,
                           uint64_t count_max);

#endif
