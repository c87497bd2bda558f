/* Converts exact totals of doubles between fixed point, the form of messages, and doubles. */
#include "sums/exact_total.h"

#include <assert.h>
#include <string.h>

#include "sums/wide.h"

/* A double is below 2^1024, and a square below 2^2048. The words have room for 2^64 of them and the
 * sign. */
static const struct {
    int words;
    int unit_log2;
    int below_log2;    /* the magnitude of one number is below 2^below_log2 */
    bool has_negative; /* true if a number may be negative */
} forms[EXACT_FORMS] = {
    [EXACT_SUM] = {EXACT_SUM_WORDS, EXACT_SUM_UNIT_LOG2, 1024, true},
    [EXACT_SQUARES] = {EXACT_SQUARES_WORDS, EXACT_SQUARES_UNIT_LOG2, 2048, false},
};

/* The byte that every byte above a number repeats: its sign. */
static uint8_t sign_byte(uint8_t highest)
{
    return highest >> 7 ? 0xff : 0;
}

/* True if the highest of these bytes only repeats the sign of the byte below. */
static bool redundant(const uint8_t *byte, size_t bytes)
{
    return bytes > 1 && byte[bytes - 1] == sign_byte(byte[bytes - 2]);
}

/* Sets `total` to its one form of these bytes * 2^unit_log2. */
static void set_shortest(struct exact_total *total, const uint8_t *byte, size_t bytes,
                         int unit_log2)
{
    size_t from = 0;
    while (from < bytes && byte[from] == 0)
        from++;
    while (from < bytes && redundant(byte, bytes))
        bytes--;
    assert(bytes - from <= EXACT_UNITS_BYTES_MAX);
    total->length = (uint16_t)(bytes - from);
    total->unit_log2 = total->length ? unit_log2 + 8 * (int)from : 0;
    memcpy(total->units, byte + from, bytes - from);
}

void exact_total_set(struct exact_total *total, const uint64_t *word, size_t words, int unit_log2)
{
    uint8_t byte[EXACT_UNITS_BYTES_MAX];
    assert(words <= EXACT_SQUARES_WORDS);
    for (size_t i = 0; i < 8 * words; i++)
        byte[i] = (uint8_t)(word[i / 8] >> i % 8 * 8);
    set_shortest(total, byte, 8 * words, unit_log2);
}

/* Returns the byte whose lowest bit stands for 2^log2: 0 below the units, and the sign above them.
 * total: not 0. */
static uint8_t byte_at(const struct exact_total *total, int log2)
{
    int at = (log2 - total->unit_log2) / 8;
    if (log2 < total->unit_log2)
        return 0;
    return at < total->length ? total->units[at] : sign_byte(total->units[total->length - 1]);
}

void exact_total_words(const struct exact_total *total, uint64_t *word)
{
    memset(word, 0, EXACT_UNITS_BYTES_MAX);
    for (int i = 0; i < EXACT_UNITS_BYTES_MAX && total->length > 0; i++)
        word[i / 8] |= (uint64_t)byte_at(total, EXACT_SQUARES_UNIT_LOG2 + 8 * i) << i % 8 * 8;
}

/* True if the bytes are the shortest of the value. */
static bool shortest(const struct exact_total *total)
{
    if (total->length == 0)
        return total->unit_log2 == 0;
    return total->units[0] != 0 && !redundant(total->units, total->length);
}

/* True if the total lies in `form`'s words. */
static bool in_words(const struct exact_total *total, enum exact_form form)
{
    int64_t below = (int64_t)total->unit_log2 - forms[form].unit_log2;
    return total->length == 0 ||
           (below % 8 == 0 && below >= 0 && below / 8 + total->length <= 8 * forms[form].words);
}

/* Replaces a number by its magnitude. Returns true if it was negative. */
static bool make_magnitude(uint64_t *word)
{
    bool negative = wide_is_negative(word, EXACT_SQUARES_WORDS);
    if (negative)
        wide_negate(word, EXACT_SQUARES_WORDS);
    return negative;
}

/* If count < 2^b, the magnitude is below 2^(below_log2 + b). */
bool exact_total_valid(const struct exact_total *total, enum exact_form form, uint64_t count)
{
    uint64_t word[EXACT_SQUARES_WORDS];
    if (!in_words(total, form) || !shortest(total))
        return false;
    if (total->length == 0)
        return true;
    exact_total_words(total, word);
    if (make_magnitude(word) && !forms[form].has_negative)
        return false;
    int end_log2 = EXACT_SQUARES_UNIT_LOG2 + (int)wide_bits(word, EXACT_SQUARES_WORDS);
    return count > 0 && end_log2 <= forms[form].below_log2 + (int)wide_bits(&count, 1);
}

static int end_log2(const struct exact_total *total)
{
    return total->unit_log2 + 8 * total->length;
}

/* The sum reaches from the lower one of both units to the higher one of both ends, and one byte
 * more for the carry. */
void exact_total_add(struct exact_total *into, const struct exact_total *part)
{
    uint8_t byte[EXACT_UNITS_BYTES_MAX + 1];
    if (part->length == 0)
        return;
    if (into->length == 0) {
        set_shortest(into, part->units, part->length, part->unit_log2);
        return;
    }
    int from = into->unit_log2 < part->unit_log2 ? into->unit_log2 : part->unit_log2;
    int end = end_log2(into) > end_log2(part) ? end_log2(into) : end_log2(part);
    size_t bytes = (size_t)(end - from) / 8 + 1;
    unsigned carry = 0;
    assert(bytes <= sizeof byte);
    for (size_t i = 0; i < bytes; i++) {
        int log2 = from + 8 * (int)i;
        carry += (unsigned)byte_at(into, log2) + byte_at(part, log2);
        byte[i] = (uint8_t)carry;
        carry >>= 8;
    }
    set_shortest(into, byte, bytes, from);
}

double exact_total_value(const struct exact_total *total)
{
    uint64_t word[EXACT_SQUARES_WORDS];
    if (total->length == 0)
        return 0;
    exact_total_words(total, word);
    bool negative = make_magnitude(word);
    double value = wide_nearest(word, EXACT_SQUARES_WORDS, false, EXACT_SQUARES_UNIT_LOG2);
    return negative ? -value : value;
}
