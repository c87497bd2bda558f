/* Results as JSON, one object on one line, with "interrupted": true where the user has. */
#ifndef MEANTIME_CLIENT_LESSON_REPORT_H
#define MEANTIME_CLIENT_LESSON_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/lesson/lesson.h"
#include "client/sum/long_sum.h"

/* Of one run, serial or async. */
void report_run(FILE *out, const struct lesson *run, uint64_t seed);

/* Of a sum, with what it says of the samples' mean. */
void report_sum(FILE *out, const struct long_sum *sum);

/* Of serial and async, as far as they were begun: `count` of `runs`. Of both, how many times as
 * fast the second was. */
void report_comparison(FILE *out, const struct lesson *runs, int count, uint64_t seed);

#endif
