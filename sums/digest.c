/* Folds known sums into the digest that two builds compare. */
#include "sums/digest.h"

#include "sums/fnv.h"
#include "sums/level4.h"
#include "sums/sum.h"

#define STREAM_SAMPLES (UINT64_C(1) << 63)
#define BLOCKS(n)      ((n)*UINT64_C(65536))

_Static_assert(BLOCKS(1) == BLOCK_SAMPLES, "");

struct range {
    enum stream_kind kind;
    uint64_t seed, first, count;
};

/* Uniform blocks are few, because all their samples take the same path. A Gaussian block has about
 * 4,000 samples of level 2, 130 of level 3 and 2 of level 4. The first range has one sample of the
 * tail. */
static const struct range ranges[] = {
    {STREAM_GAUSSIAN, 0, 0, BLOCKS(3)},
    {STREAM_GAUSSIAN, 1, BLOCKS(1), BLOCKS(12)},
    {STREAM_GAUSSIAN, UINT64_MAX, BLOCKS(UINT64_C(1) << 31), BLOCKS(8)},
    {STREAM_GAUSSIAN, 0x6d65616e74696d65, STREAM_SAMPLES - BLOCKS(8), BLOCKS(8)},
    {STREAM_GAUSSIAN, 8197, 31, 34},
    {STREAM_GAUSSIAN, 8197, BLOCKS(1) - 1000, BLOCKS(1) + 2000},
    {STREAM_GAUSSIAN, 8198, STREAM_SAMPLES - BLOCKS(1) - 40000, BLOCKS(1) + 30000},
    {STREAM_UNIFORM, 0, 0, BLOCKS(1)},
    {STREAM_UNIFORM, UINT64_MAX, BLOCKS(UINT64_C(1) << 31), BLOCKS(2)},
    {STREAM_UNIFORM, 0x6d65616e74696d65, STREAM_SAMPLES - BLOCKS(2), BLOCKS(2)},
    {STREAM_UNIFORM, 8197, BLOCKS(1) - 1000, BLOCKS(1) + 2000},
};

/* Blocks of seed 0 for many draws of level 4: ten draws for each slot of its tables. Only level 4
 * computes with doubles. A fused multiply-add changes one of its draws in a thousand, so no short
 * range of samples would show it. */
static const uint64_t rare_blocks[] = {0, 1, UINT64_C(1) << 31, (UINT64_C(1) << 47) - 1};
#define RARE_DRAWS 5000

/* Adds the bytes of `word`, the lowest first on every machine. */
static uint64_t fold(uint64_t digest, uint64_t word)
{
    for (int byte = 0; byte < 8; byte++)
        digest = fnv_add(digest, (uint8_t)(word >> 8 * byte));
    return digest;
}

static uint64_t fold_total(uint64_t digest, const struct total *total)
{
    unsigned __int128 units = (unsigned __int128)total->units;
    digest = fold(digest, (uint64_t)units);
    digest = fold(digest, (uint64_t)(units >> 64));
    return fold(digest, total->count);
}

static uint64_t fold_range(uint64_t digest, const struct kernel *kernel, const struct range *range)
{
    struct stream stream;
    struct total total = {0};
    stream_init(&stream, range->seed, range->kind);
    sum_range(kernel, &stream, range->first, range->count, &total);
    return fold_total(digest, &total);
}

uint64_t sums_digest(const struct kernel *kernel)
{
    uint64_t digest = FNV_OFFSET;
    struct stream stream;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        digest = fold_range(digest, kernel, &ranges[i]);
    stream_init(&stream, 0, STREAM_GAUSSIAN);
    for (size_t i = 0; i < sizeof rare_blocks / sizeof *rare_blocks; i++)
        digest = fold(digest, level4_sum(stream.key, rare_blocks[i], 0, RARE_DRAWS));
    return digest;
}
