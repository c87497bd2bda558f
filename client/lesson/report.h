/* Results of lessons as JSON: one object on one line. If the user has interrupted, the object has
 * "interrupted": true. */
#ifndef MEANTIME_CLIENT_LESSON_REPORT_H
#define MEANTIME_CLIENT_LESSON_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "client/lesson/lesson_state.h"

/* Prints the result of one lesson. */
void report_lesson(FILE *out, const struct lesson *lesson, uint64_t seed);

/* Prints the results of serial and async: the first `count` of two lessons, 0 to 2. If both have
 * replies, adds how many times as fast the second one was. */
void report_comparison(FILE *out, const struct lesson *lessons, int count, uint64_t seed);

#endif
