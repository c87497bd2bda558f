#include "sums/kernel_portable.h"

/* Two lanes to a vector: with SSE2 a sample takes two thirds of the time that it takes in general
 * registers. Compilers use those where a machine has no vectors. */
#define VEC_LANES 2
#define VECS      2

#include "sums/kernel.h"
#include "sums/lanes.h"
#include "sums/tables.h"

struct sums {
    uint64_t sum[VEC_LANES], slots[VEC_LANES];
};

static inline uint64_t multiply_high(uint64_t x, uint64_t y)
{
    return (uint64_t)((unsigned __int128)x * y >> 64);
}

/* With u the low 52 bits of the output and T << 32 in the slot, the high half of the product is
 * floor(u * T / 2^20); with the 1 of a slow slot it is 0. A lane has 2^11 samples and T < 2^20, so
 * the sum of T fits in the high half of `slots`, and the number of slow slots in the low one. */
static inline void level1_add(struct sums *sums, vec out, vec b)
{
    vec u = out << 12, slot = b >> 32 & (LEVEL1_SLOTS - 1);
    UNROLL
    for (unsigned i = 0; i < VEC_LANES; i++) {
        uint64_t entry = level1_slots[slot[i]];
        sums->slots[i] += entry;
        sums->sum[i] += multiply_high(u[i], entry);
    }
}

static void level1_tally(const struct sums *sums, struct tally *tally, unsigned first)
{
    for (unsigned i = 0; i < VEC_LANES; i++) {
        tally->sum[first + i] = sums->sum[i] - (sums->slots[i] >> 32 << 31);
        tally->slow[first + i] = (uint32_t)sums->slots[i];
    }
}

/* A point of the interval L << 32 | W: L * 2^32 + floor(u * W / 2^32). */
static inline uint64_t interval_point(uint64_t interval, uint64_t out)
{
    uint64_t left = interval >> 32 << 32, width = (uint32_t)interval;
    return left + multiply_high(out << 12, width << 20);
}

static inline void level2_add(struct sums *sums, vec out)
{
    UNROLL
    for (unsigned i = 0; i < VEC_LANES; i++) {
        uint64_t slot = out[i] >> 52;
        sums->slots[i] += slot >= LEVEL2_FAST;
        sums->sum[i] += interval_point(level2_slots[slot], out[i]);
    }
}

static inline unsigned level3_bin(uint64_t u1)
{
    unsigned bin = (unsigned)((u1 >> 32) * BIN_SLOTS >> 32);
    uint64_t slot = level3_alias[bin];
    return (uint32_t)u1 < slot >> 32 ? bin : (uint32_t)slot;
}

/* A point under the slanted top of a bin: either u2 or its mirror image. */
static inline uint64_t level3_point(unsigned bin, uint64_t u2, uint64_t u3)
{
    uint64_t tilt = level3_tilts[bin];
    uint64_t keep = (tilt >> 32) - ((u2 >> 20 & UINT32_MAX) * (uint32_t)tilt >> 32);
    uint64_t x = interval_point(level3_intervals[bin], (uint32_t)u3 < keep ? u2 : ~u2);
    return u3 >> 63 ? -x : x;
}

static void level3_add(struct sums *sums, vec u1, vec u2, vec u3)
{
    for (unsigned i = 0; i < VEC_LANES; i++) {
        unsigned bin = level3_bin(u1[i]);
        if (bin == BIN_SLOTS - 1)
            sums->slots[i]++;
        else
            sums->sum[i] += level3_point(bin, u2[i], u3[i]);
    }
}

static void sums_tally(const struct sums *sums, struct tally *tally, unsigned first)
{
    for (unsigned i = 0; i < VEC_LANES; i++) {
        tally->sum[first + i] = sums->sum[i];
        tally->slow[first + i] = sums->slots[i];
    }
}

#include "sums/kernel_template.h"

int64_t portable_gaussian_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    return (int64_t)gaussian(key, block, begin, end);
}

int64_t portable_uniform_part(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    return (int64_t)(uniform(key, block, begin, end) - (end - begin) * UNIFORM_CENTRE);
}

int64_t portable_gaussian_block(uint64_t key, uint64_t block)
{
    return portable_gaussian_part(key, block, 0, BLOCK_SAMPLES);
}

int64_t portable_uniform_block(uint64_t key, uint64_t block)
{
    return portable_uniform_part(key, block, 0, BLOCK_SAMPLES);
}

bool portable_runs(void)
{
    return true;
}
