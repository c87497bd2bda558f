/* Totals of doubles, or of their squares, in the form that messages have. Any thread; no
 * allocation. */
#ifndef MEANTIME_SUMS_EXACT_TOTAL_H
#define MEANTIME_SUMS_EXACT_TOTAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a total sums. Both hold 2^63 numbers of any size. */
enum exact_form {
    EXACT_SUM,     /* doubles: a multiple of 2^-1080, below 2^1095 */
    EXACT_SQUARES, /* their squares: a multiple of 2^-2152, below 2^2135 */
    EXACT_FORMS,
};

/* Words of 64 bits of a total in fixed point, and what its lowest bit stands for. */
#define EXACT_SUM_WORDS         34
#define EXACT_SUM_UNIT_LOG2     (-1080)
#define EXACT_SQUARES_WORDS     67
#define EXACT_SQUARES_UNIT_LOG2 (-2152)

#define EXACT_UNITS_BYTES_MAX (8 * EXACT_SQUARES_WORDS) /* of a sum: 8 * EXACT_SUM_WORDS */

/* A total is units * 2^unit_log2. There is one form for each value: its bytes are equal if and only
 * if the value is. sums/EXACT.md has the format. {0} is the total of nothing. */
struct exact_total {
    int32_t unit_log2; /* a multiple of 8; 0 if the total is 0 */
    uint16_t length;   /* bytes of `units`; 0 if the total is 0 */
    /* Two's complement, lowest byte first. The lowest byte is not 0, and the highest byte is not
     * redundant. Bytes after the first `length` have no meaning. */
    uint8_t units[EXACT_UNITS_BYTES_MAX];
};

/* Sets `total` to a number in fixed point: word[0] is the lowest, two's complement, its lowest bit
 * stands for 2^unit_log2.
 * words: 1 to EXACT_SQUARES_WORDS. unit_log2: a multiple of 8. */
void exact_total_set(struct exact_total *total, const uint64_t *word, size_t words, int unit_log2);

/* Writes a valid total into EXACT_SQUARES_WORDS words, in units of 2^EXACT_SQUARES_UNIT_LOG2. */
void exact_total_words(const struct exact_total *total, uint64_t *word);

/* True if some `count` doubles, or squares of doubles, may have this total, in the one form of its
 * value. Call it with every total that a peer sends, before any other function.
 * count: 0 to 2^63. */
bool exact_total_valid(const struct exact_total *total, enum exact_form form, uint64_t count);

/* Adds `part` to `into`, totals of one form and two disjoint ranges. Order and grouping do not
 * matter. Both were valid for counts whose sum is at most 2^63; then the result always fits. */
void exact_total_add(struct exact_total *into, const struct exact_total *part);

/* Returns a valid total as the nearest double, ties to even. Nothing else rounds. Returns infinity
 * if the nearest double is too large. */
double exact_total_value(const struct exact_total *total);

#endif
