/* Adds, shifts and rounds integers of many words. */
#include "sums/wide.h"

#include "sums/ieee.h"

#define DOUBLE_LOWEST  (-1074) /* every double is a multiple of 2^DOUBLE_LOWEST */
#define DOUBLE_HIGHEST 1023    /* the highest bit of the largest double stands for 2^1023 */

/* The shifted number has three words, and its sign in all higher ones. Above the three words, the
 * addition stops as soon as the carry and the sign leave the rest unchanged. */
void wide_add(uint64_t *word, size_t words, size_t bit, __int128 units)
{
    unsigned shift = bit % 64;
    size_t at = bit / 64;
    unsigned __int128 low = (unsigned __int128)(uint64_t)units << shift;
    __int128 high = (units >> 64) * ((__int128)1 << shift) + (__int128)(low >> 64);
    const uint64_t part[] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64)};
    uint64_t sign = high < 0 ? UINT64_MAX : 0;
    uint64_t carry = 0;
    for (size_t i = 0; at + i < words && (i < 3 || carry != (sign & 1)); i++) {
        unsigned __int128 sum = (unsigned __int128)word[at + i] + (i < 3 ? part[i] : sign) + carry;
        word[at + i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

void wide_add_all(uint64_t *word, const uint64_t *part, size_t words)
{
    bool carry = false;
    for (size_t i = 0; i < words; i++) {
        bool first = __builtin_add_overflow(word[i], part[i], &word[i]);
        bool second = __builtin_add_overflow(word[i], (uint64_t)carry, &word[i]);
        carry = first || second;
    }
}

bool wide_is_negative(const uint64_t *word, size_t words)
{
    return word[words - 1] >> 63;
}

void wide_negate(uint64_t *word, size_t words)
{
    bool carry = true;
    for (size_t i = 0; i < words; i++)
        carry = __builtin_add_overflow(~word[i], (uint64_t)carry, &word[i]);
}

size_t wide_bits(const uint64_t *magnitude, size_t words)
{
    while (words > 0 && magnitude[words - 1] == 0)
        words--;
    return words == 0 ? 0 : 64 * words - (size_t)__builtin_clzll(magnitude[words - 1]);
}

static uint64_t word_or_zero(const uint64_t *magnitude, size_t words, long at)
{
    return at >= 0 && at < (long)words ? magnitude[at] : 0;
}

uint64_t wide_extract(const uint64_t *magnitude, size_t words, long bit)
{
    long at = bit >> 6;
    unsigned shift = bit & 63;
    uint64_t low = word_or_zero(magnitude, words, at);
    uint64_t high = word_or_zero(magnitude, words, at + 1);
    return low >> shift | high << 1 << (63 - shift);
}

bool wide_any_below(const uint64_t *magnitude, size_t words, long bit)
{
    for (long at = 0; at < (long)words && 64 * at < bit; at++) {
        uint64_t below = bit - 64 * at >= 64 ? UINT64_MAX : (UINT64_C(1) << (bit - 64 * at)) - 1;
        if (magnitude[at] & below)
            return true;
    }
    return false;
}

/* Rounding up may carry into the exponent, which gives the next power of two, or infinity. */
double wide_nearest(const uint64_t *magnitude, size_t words, bool more, int unit_log2)
{
    int top = (int)wide_bits(magnitude, words) - 1 + unit_log2; /* the highest bit is 2^top */
    int lowest = top - DOUBLE_FRACTION_BITS; /* the lowest bit of the double is 2^lowest */
    if (lowest < DOUBLE_LOWEST)
        lowest = DOUBLE_LOWEST;
    if (top > DOUBLE_HIGHEST)
        return bits_double((uint64_t)(2 * DOUBLE_BIAS + 1) << DOUBLE_FRACTION_BITS);
    long dropped = lowest - unit_log2;
    uint64_t kept = wide_extract(magnitude, words, dropped);
    bool half = wide_extract(magnitude, words, dropped - 1) & 1;
    bool rest = more || wide_any_below(magnitude, words, dropped - 1);
    if (half && (rest || (kept & 1)))
        kept++;
    return bits_double(((uint64_t)(lowest - DOUBLE_LOWEST) << DOUBLE_FRACTION_BITS) + kept);
}
