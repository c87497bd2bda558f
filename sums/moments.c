/* Divides exact totals, and takes roots of the quotients, in integers. */
#include "sums/moments.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sums/wide.h"

#define DENOMINATOR_WORDS 3 /* of n^2 (n - 1) < 2^189 */
#define QUOTIENT_BITS     127

/* S^2 in units of 2^SPREAD_UNIT_LOG2 has twice the words of S. n Q has one word more than Q, and
 * 8 bits more, because this unit is smaller. */
#define SPREAD_WORDS     (EXACT_SQUARES_WORDS + 2)
#define SPREAD_UNIT_LOG2 (2 * EXACT_SUM_UNIT_LOG2)
#define SQUARES_SHIFT    (EXACT_SQUARES_UNIT_LOG2 - SPREAD_UNIT_LOG2)

/* The lowest word of a sum's words among those of exact_total_words(). */
#define SUM_SHIFT (EXACT_SUM_UNIT_LOG2 - EXACT_SQUARES_UNIT_LOG2)

/* A quotient of at least QUOTIENT_BITS - 2 bits. */
struct quotient {
    unsigned __int128 units;
    int unit_log2;
    bool more; /* true if the quotient is larger than this, by less than one unit */
};

static bool at_least(const uint64_t *a, const uint64_t *b, size_t words)
{
    while (words > 1 && a[words - 1] == b[words - 1])
        words--;
    return a[words - 1] >= b[words - 1];
}

static void subtract(uint64_t *from, const uint64_t *part, size_t words)
{
    bool borrow = false;
    for (size_t i = 0; i < words; i++) {
        bool first = __builtin_sub_overflow(from[i], part[i], &from[i]);
        bool second = __builtin_sub_overflow(from[i], (uint64_t)borrow, &from[i]);
        borrow = first || second;
    }
}

static void shift_in(uint64_t *word, size_t words, uint64_t bit)
{
    for (size_t i = words; i-- > 1;)
        word[i] = word[i] << 1 | word[i - 1] >> 63;
    word[0] = word[0] << 1 | bit;
}

/* Long division, bit by bit, of the numerator's highest bits. `numerator` is not 0.
 * even: the quotient's unit is a power of four. */
static struct quotient divide(const uint64_t *numerator, size_t words, int unit_log2,
                              const uint64_t *denominator, bool even)
{
    uint64_t rest[DENOMINATOR_WORDS] = {0};
    struct quotient quotient = {0};
    long bits = (long)wide_bits(numerator, words);
    long steps = QUOTIENT_BITS + (long)wide_bits(denominator, DENOMINATOR_WORDS);
    if (even && (unit_log2 + bits - steps) % 2 != 0)
        steps--;
    long lowest = bits - steps; /* the last bit that takes part; negative: zeros below bit 0 */
    for (long bit = bits - 1; bit >= lowest; bit--) {
        shift_in(rest, DENOMINATOR_WORDS, wide_extract(numerator, words, bit) & 1);
        quotient.units <<= 1;
        if (at_least(rest, denominator, DENOMINATOR_WORDS)) {
            subtract(rest, denominator, DENOMINATOR_WORDS);
            quotient.units |= 1;
        }
    }
    quotient.unit_log2 = unit_log2 + (int)lowest;
    quotient.more =
        wide_bits(rest, DENOMINATOR_WORDS) > 0 || wide_any_below(numerator, words, lowest);
    return quotient;
}

static double nearest_quotient(const uint64_t *numerator, size_t words, int unit_log2,
                               const uint64_t *denominator)
{
    if (wide_bits(numerator, words) == 0)
        return 0;
    struct quotient quotient = divide(numerator, words, unit_log2, denominator, false);
    uint64_t units[2] = {(uint64_t)quotient.units, (uint64_t)(quotient.units >> 64)};
    return wide_nearest(units, 2, quotient.more, quotient.unit_log2);
}

/* floor(sqrt(x)), bit by bit. */
static uint64_t root(unsigned __int128 x)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 63; bit; bit >>= 1)
        if ((unsigned __int128)(root | bit) * (root | bit) <= x)
            root |= bit;
    return root;
}

static double nearest_root(const uint64_t *numerator, size_t words, int unit_log2,
                           const uint64_t *denominator)
{
    if (wide_bits(numerator, words) == 0)
        return 0;
    struct quotient quotient = divide(numerator, words, unit_log2, denominator, true);
    uint64_t units = root(quotient.units);
    bool more = quotient.more || (unsigned __int128)units * units != quotient.units;
    return wide_nearest(&units, 1, more, quotient.unit_log2 / 2);
}

/* Writes the magnitude of a sum, in units of 2^EXACT_SUM_UNIT_LOG2. Returns true if it is negative.
 */
static bool sum_magnitude(const struct exact_total *sum, uint64_t *magnitude)
{
    uint64_t word[EXACT_SQUARES_WORDS];
    exact_total_words(sum, word);
    bool negative = wide_is_negative(word, EXACT_SQUARES_WORDS);
    if (negative)
        wide_negate(word, EXACT_SQUARES_WORDS);
    for (size_t i = 0; i < EXACT_SUM_WORDS; i++)
        magnitude[i] = wide_extract(word, EXACT_SQUARES_WORDS, SUM_SHIFT + 64 * (long)i);
    return negative;
}

/* into += a * factor * 2^bit */
static void add_product(uint64_t *into, const uint64_t *a, size_t words, uint64_t factor,
                        size_t bit)
{
    for (size_t i = 0; i < words; i++) {
        unsigned __int128 product = (unsigned __int128)a[i] * factor;
        wide_add(into, SPREAD_WORDS, bit + 64 * i, (__int128)(uint64_t)product);
        wide_add(into, SPREAD_WORDS, bit + 64 * (i + 1), (__int128)(uint64_t)(product >> 64));
    }
}

/* n Q - S^2. Returns false if it is negative. */
static bool spread_init(uint64_t *spread, uint64_t count, const struct exact_total *sum,
                        const struct exact_total *squares)
{
    uint64_t s[EXACT_SUM_WORDS], q[EXACT_SQUARES_WORDS];
    memset(spread, 0, SPREAD_WORDS * sizeof *spread);
    sum_magnitude(sum, s);
    exact_total_words(squares, q);
    for (size_t i = 0; i < EXACT_SUM_WORDS; i++)
        add_product(spread, s, EXACT_SUM_WORDS, s[i], 64 * i);
    wide_negate(spread, SPREAD_WORDS);
    add_product(spread, q, EXACT_SQUARES_WORDS, count, SQUARES_SHIFT);
    return !wide_is_negative(spread, SPREAD_WORDS);
}

double moments_mean(uint64_t count, const struct exact_total *sum)
{
    uint64_t magnitude[EXACT_SUM_WORDS];
    const uint64_t denominator[DENOMINATOR_WORDS] = {count};
    assert(count > 0);
    bool negative = sum_magnitude(sum, magnitude);
    double mean = nearest_quotient(magnitude, EXACT_SUM_WORDS, EXACT_SUM_UNIT_LOG2, denominator);
    return negative ? -mean : mean;
}

bool moments_init(struct moments *moments, uint64_t count, const struct exact_total *sum,
                  const struct exact_total *squares)
{
    uint64_t spread[SPREAD_WORDS];
    if (!spread_init(spread, count, sum, squares))
        return false;
    unsigned __int128 square = (unsigned __int128)count * count;
    unsigned __int128 low = (unsigned __int128)(uint64_t)square * (count - 1);
    unsigned __int128 high = (square >> 64) * (count - 1) + (low >> 64);
    const uint64_t n2[DENOMINATOR_WORDS] = {(uint64_t)square, (uint64_t)(square >> 64)};
    const uint64_t n3[DENOMINATOR_WORDS] = {(uint64_t)low, (uint64_t)high, (uint64_t)(high >> 64)};
    moments->mean = moments_mean(count, sum);
    moments->variance = nearest_quotient(spread, SPREAD_WORDS, SPREAD_UNIT_LOG2, n2);
    moments->standard_error =
        count == 1 ? INFINITY : nearest_root(spread, SPREAD_WORDS, SPREAD_UNIT_LOG2, n3);
    return true;
}

struct interval moments_interval(const struct moments *moments)
{
    const double sigmas = 1.959963984540054; /* P(|x| < sigmas) = 0.95 of a normal x */
    double half = sigmas * moments->standard_error;
    return (struct interval){moments->mean - half, moments->mean + half};
}
