/* Level 4 of the Gaussian sampler, with doubles. */
#include "sums/level4.h"

#include <stdbool.h>

#include "sums/ieee.h"
#include "sums/seed.h"
#include "sums/tables.h"

#define DENSITY_AT_0 0.3989422804014327 /* 1 / sqrt(2 pi) */

void level4_init(struct level4 *generator, uint64_t key, uint64_t block)
{
    for (unsigned i = 0; i < 4; i++)
        generator->s[i] = seed_word(key, block, SEED_WORD_LEVEL4 + i, 0);
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256++ (David Blackman and Sebastiano Vigna, 2019). */
static uint64_t xoshiro_next(struct level4 *generator)
{
    uint64_t *s = generator->s;
    uint64_t out = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return out;
}

/* These return the 53 high bits or the 53 low bits of a word as a number in [0, 1). */
static double high_fraction(uint64_t word)
{
    return (double)(word >> 11) * 0x1p-53;
}

static double low_fraction(uint64_t word)
{
    return (double)(word & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

/* Puts a point of a bin at v into *x. Returns true if the point lies under the part of the density
 * that levels 1 to 3 leave over. */
static bool bin_accepts(const struct level4_bin *bin, double v, double height, double *x)
{
    *x = bin->left + bin->width * v;
    double rest = DENSITY_AT_0 * exp_ieee(-0.5 * *x * *x) - bin->floor;
    return height * bin->height < rest - (bin->given + bin->slope * v);
}

/* Puts a point beyond the last bin into *x (George Marsaglia, 1964). The envelope is an exponential
 * function with the slope of the density at t. The density is this function times exp(-y^2 / 2), so
 * the envelope is above the density. Returns true if the point lies under the density. */
static bool tail_accepts(const struct level4_bin *tail, double v, double height, double *x)
{
    double t = tail->left;
    double y = -log_ieee(1.0 - v) / t;
    *x = t + y;
    return height * tail->height * t <
           DENSITY_AT_0 * exp_ieee(-0.5 * t * t) * exp_ieee(-0.5 * y * y);
}

static unsigned choose_bin(uint64_t word)
{
    unsigned i = (unsigned)((word >> 32) * BIN_SLOTS >> 32);
    uint64_t slot = level4_alias[i];
    return (uint32_t)word < slot >> 32 ? i : (uint32_t)slot;
}

static bool accepts(unsigned i, double v, double height, double *x)
{
    const struct level4_bin *bin = &level4_bins[i];
    return i == BIN_SLOTS - 1 ? tail_accepts(bin, v, height, x) : bin_accepts(bin, v, height, x);
}

/* Makes one attempt from three words: the bin, the position, the height and the sign. */
static bool attempt(struct level4 *generator, int64_t *q)
{
    unsigned i = choose_bin(xoshiro_next(generator));
    double v = high_fraction(xoshiro_next(generator));
    uint64_t word = xoshiro_next(generator);
    double x;
    bool accepted = accepts(i, v, low_fraction(word), &x);
    *q = (int64_t)(x * 0x1p49);
    if (word >> 63)
        *q = -*q;
    return accepted;
}

int64_t level4_draw(struct level4 *generator)
{
    int64_t q;
    while (!attempt(generator, &q))
        ;
    return q;
}

uint64_t level4_sum(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    struct level4 generator;
    level4_init(&generator, key, block);
    uint64_t sum = 0;
    for (uint32_t t = 0; t < end; t++) {
        int64_t q = level4_draw(&generator);
        if (t >= begin)
            sum += (uint64_t)q;
    }
    return sum;
}
