/* Results as JSON, one object on one line. */
#ifndef MEANTIME_CLIENT_REPORT_H
#define MEANTIME_CLIENT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/run.h"

/* Of one run, serial, async or sum. */
void report_run(FILE *out, const struct run *run, uint64_t seed);

/* Of two, and how many times as fast the second was. */
void report_comparison(FILE *out, const struct run *serial, const struct run *async, uint64_t seed);

#endif
