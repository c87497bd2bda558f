/* Exact totals: 128-bit integers in a stream's unit. Any thread; no allocation. */
#ifndef MEANTIME_SUMS_TOTAL_H
#define MEANTIME_SUMS_TOTAL_H

#include <stdint.h>

/* The sum of `count` samples, in the unit of their stream. {0} is the total of nothing.
 * |units| < 2^116 for any range of a stream. */
struct total {
    __int128 units;
    uint64_t count;
};

/* Joins the totals of two disjoint ranges. Order and grouping do not matter. */
void total_add(struct total *into, const struct total *part);

/* units * 2^unit_log2 as the nearest double, ties to even: the only rounding there is.
 * unit_log2: -200 to 0. */
double total_value(__int128 units, int unit_log2);

/* Longest decimal text of a 128-bit integer, with its sign and the final NUL. */
#define UNITS_TEXT_BYTES 41

/* `units` in decimal digits, into `text` (UNITS_TEXT_BYTES). Returns text. */
char *units_print(__int128 units, char *text);

#endif
