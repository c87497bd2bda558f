/* The results of a summand as a table, and their numbers as text. Any thread. */
#ifndef MEANTIME_CLIENT_SUM_OUTPUTS_TABLE_H
#define MEANTIME_CLIENT_SUM_OUTPUTS_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "client/sum/tally.h"

/* The longest text of a double, with its final NUL. */
#define DOUBLE_TEXT_BYTES 32

/* The longest text of a total's units: 1,291 digits, a sign and the final NUL. */
#define TOTAL_TEXT_BYTES 1312

/* Prints the shortest text that is read as the same double. Returns `text`. */
char *double_print(double value, char text[DOUBLE_TEXT_BYTES]);

/* Prints `units` of a total as a decimal integer. Returns `text`. */
char *total_print(const struct meantime_total *total, char text[TOTAL_TEXT_BYTES]);

/* Prints one line for each output: its mean, the standard error, the 95 % interval and the sum. If
 * an error is not known, a - stands in its place.
 * tally: of at least 1 term. heading: true: a line of headings comes first. */
void outputs_table_print(FILE *out, const struct tally *tally, bool heading);

#endif
