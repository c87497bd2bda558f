/* Simulations as one would write them by hand, for comparison with summands: the generator
 * xoshiro256++, an own ziggurat, and the C library's functions. One thread. */
#ifndef MEANTIME_BENCH_HAND_H
#define MEANTIME_BENCH_HAND_H

#include <stdint.h>

/* The mean and the squared standard error of output 0. */
struct hand_result {
    double mean, error_squared;
};

/* The outputs of summand/examples/asian.c and darts.c with their standard parameters. */
struct hand_result hand_asian(uint64_t terms);
struct hand_result hand_darts(uint64_t terms);

#endif
