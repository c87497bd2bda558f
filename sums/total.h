/* Exact totals: 128-bit integers in a stream's unit. Any thread; no allocation. */
#ifndef MEANTIME_SUMS_TOTAL_H
#define MEANTIME_SUMS_TOTAL_H

#include <stdint.h>

/* The sum of some samples. {0} is the total of no samples. */
struct total {
    __int128 units; /* the sum, in the stream's unit; |units| < 2^116 for any range of a stream */
    uint64_t count; /* the number of samples */
};

/* Adds `part` to `into`, the totals of two disjoint ranges. Order and grouping do not matter. */
void total_add(struct total *into, const struct total *part);

/* Returns units * 2^unit_log2 as the nearest double, ties to even. Nothing else rounds.
 * unit_log2: -200 to 0. */
double total_value(__int128 units, int unit_log2);

/* Bytes of the longest decimal text of a 128-bit integer, with its sign and the final NUL. */
#define UNITS_TEXT_BYTES 41

/* Writes `units` in decimal digits into `text`, of UNITS_TEXT_BYTES bytes. Returns text. */
char *units_print(__int128 units, char *text);

#endif
