/* What a sum says of its samples' mean. A leaf. */
#ifndef MEANTIME_CLIENT_SUM_ESTIMATE_H
#define MEANTIME_CLIENT_SUM_ESTIMATE_H

#include "sums/stream.h"
#include "sums/total.h"

/* standard_error: of the mean of so many independent samples, whose standard deviation is known,
 * sigma / sqrt(n): sigma is 1 for Gaussian samples and sqrt(1/12) for uniform ones.
 * z: how many standard errors the mean is off the expected one, 0 or 1/2. By the central limit
 * theorem it is within 2 in 95 of 100 sums. */
struct estimate {
    double mean;
    double standard_error;
    double z;
};

/* total: of 1 sample or more. */
struct estimate estimate_of(enum stream_kind kind, const struct total *total);

#endif
