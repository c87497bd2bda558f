/* Parses and prints quantities for users: sample counts, durations, seeds. Any thread; no
 * allocation.
 *
 * Decimal arithmetic is exact: a value that is not a whole count or a whole nanosecond is refused,
 * never rounded. White space is refused. If a text is refused, the result does not change. The
 * caller prints the error, with one of the _ACCEPTED texts below.
 *
 * A number has digits, and may have a fraction and an exponent: 120, 1.5, 1.2e8. Its whole part may
 * have underscores anywhere between digits, or commas between thousands. 1,5 is refused, because it
 * means 1.5 in half of the world. A number has no sign. */
#ifndef MEANTIME_CLI_QUANTITY_H
#define MEANTIME_CLI_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#define COUNT_ACCEPTED    "a count up to 2^63 such as 120M, 1.2e8 or 120_000_000"
#define DURATION_ACCEPTED "a time with its unit such as 1ms, 1.5s or 2min, or 0"
#define SEED_ACCEPTED     "a number below 2^64 such as 42 or 0x2a"

/* Longest duration: 146 years. A deadline, now + duration, then fits in 64 bits. */
#define DURATION_NS_MAX (INT64_C(1) << 62)

/* Longest text of a count: 20 digits, 6 commas and the final NUL. */
#define COUNT_TEXT_BYTES 27

/* Longest text of a rounded rate or time, with the final NUL. */
#define ROUGH_TEXT_BYTES 24

/* A number, with or without k, M, G, T or P (powers of 1000; K is k): 0 to SAMPLE_END_MAX. */
bool count_parse(const char *text, uint64_t *count);

/* A number and ns, us, ms, s, min or h: 0 to DURATION_NS_MAX. Only 0 needs no unit. */
bool duration_parse(const char *text, int64_t *ns);

/* Plain digits, decimal, or hexadecimal after 0x: 0 to 2^64 - 1. */
bool seed_parse(const char *text, uint64_t *seed);

/* Prints `count` with commas between thousands into `text` (COUNT_TEXT_BYTES bytes), so that
 * count_parse() accepts it. Returns `text`. */
char *count_print(uint64_t count, char *text);

/* Print a rate in samples per second, such as "8.1 G/s", or a time in seconds, such as "12 min" or
 * "3.5 h", rounded to two digits, into `text` (ROUGH_TEXT_BYTES bytes). Return `text`. Values must
 * be 0 or more. NaN and values that are too large for the largest unit give "?". */
char *rate_print(double rate, char *text);
char *time_print(double time_s, char *text);

#endif
