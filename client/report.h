/* Results as JSON, one object on one line, with "interrupted": true where the user has. */
#ifndef MEANTIME_CLIENT_REPORT_H
#define MEANTIME_CLIENT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/long_sum.h"
#include "client/run.h"

/* Of one run, serial or async. */
void report_run(FILE *out, const struct run *run, uint64_t seed);

/* Of a sum, with what it says of the samples' mean. */
void report_sum(FILE *out, const struct long_sum *sum);

/* Of serial and async, as far as they were begun: `count` of `runs`. Of both, how many times as
 * fast the second was. */
void report_comparison(FILE *out, const struct run *runs, int count, uint64_t seed);

#endif
