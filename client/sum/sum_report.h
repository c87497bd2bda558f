/* The result of a long sum as JSON. */
#ifndef MEANTIME_CLIENT_SUM_SUM_REPORT_H
#define MEANTIME_CLIENT_SUM_SUM_REPORT_H

#include <stdio.h>

#include "client/sum/sum_state.h"

/* Prints one object on one line: the sum and the estimate of the samples' mean. */
void sum_report(FILE *out, const struct sum_state *sum);

#endif
