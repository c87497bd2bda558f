/* Integers of many words. Word 0 is the lowest; a negative number is in two's complement. Any
 * thread; no allocation; no operation rounds, except wide_nearest(). */
#ifndef MEANTIME_SUMS_WIDE_H
#define MEANTIME_SUMS_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds units * 2^bit to a number of `words` words, modulo 2^(64 words).
 * bit: 0 to 64 words - 1. */
void wide_add(uint64_t *word, size_t words, size_t bit, __int128 units);

/* Adds `part`, which has as many words, modulo 2^(64 words). */
void wide_add_all(uint64_t *word, const uint64_t *part, size_t words);

bool wide_is_negative(const uint64_t *word, size_t words);

/* Replaces the number by its negative. */
void wide_negate(uint64_t *word, size_t words);

/* The number of bits of a magnitude: 0 for 0, 1 for 1, 2 for 2 and 3. */
size_t wide_bits(const uint64_t *magnitude, size_t words);

/* The 64 bits of a magnitude that begin with bit `bit`. Bits outside the words are 0.
 * bit: may be negative, or more than the number has. */
uint64_t wide_extract(const uint64_t *magnitude, size_t words, long bit);

/* True if a bit below bit `bit` is set. */
bool wide_any_below(const uint64_t *magnitude, size_t words, long bit);

/* Returns magnitude * 2^unit_log2 as the nearest double, ties to even; infinity if that is 2^1024
 * or more after rounding. more: the true value is larger than this, by less than one unit. If
 * so, the magnitude must have 55 bits or more: then the missing part only decides a tie. */
double wide_nearest(const uint64_t *magnitude, size_t words, bool more, int unit_log2);

#endif
