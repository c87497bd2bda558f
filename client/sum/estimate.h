/* Estimates the mean of samples from their sum. A leaf. */
#ifndef MEANTIME_CLIENT_SUM_ESTIMATE_H
#define MEANTIME_CLIENT_SUM_ESTIMATE_H

#include "sums/stream.h"
#include "sums/total.h"

struct estimate {
    double mean;

    /* Standard error of the mean: sigma / sqrt(n). The standard deviation sigma of one sample is
     * known: 1 for Gaussian samples, sqrt(1/12) for uniform ones. */
    double standard_error;

    /* Difference between the mean and the expected mean, in standard errors. The expected mean is 0
     * for Gaussian samples and 1/2 for uniform ones. By the central limit theorem, z is between -2
     * and 2 for 95 of 100 sums. */
    double z;
};

/* total: of at least 1 sample. */
struct estimate estimate_of(enum stream_kind kind, const struct total *total);

#endif
