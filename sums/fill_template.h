/* A template that writes the samples of a block, or of a part of it, with any instruction set.
 *
 * sums/kernel_<name>.c includes it after sums/kernel_template.h and these operations on lanes:
 *
 *     level1_draw(units, out, b)
 *         stores LEVEL1_ORIGIN plus the draws of level 1 in `units`, in VECS vectors. Returns a bit
 *         for each slow draw, whose value is not used. `out` and `b` are as in level1_add()
 *     level2_draw(units, out)
 *         stores the draws of level 2. Returns a bit for each slow draw
 *     level3_draw(units, u1, u2, u3)
 *         the same for level 3
 *     KERNEL_LEAVE()
 *         optional: prepares the processor for code of other files
 *
 * Level 1 writes its draws where the samples belong, and lists the numbers of the slow draws. The
 * lower levels overwrite these samples one by one, because their share is small. */
#ifndef MEANTIME_SUMS_FILL_TEMPLATE_H
#define MEANTIME_SUMS_FILL_TEMPLATE_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "sums/doubles.h"
#include "sums/kernel_template.h"
#include "sums/slow_lanes.h"

#ifndef KERNEL_LEAVE
#define KERNEL_LEAVE() ((void)0)
#endif

/* A block has 4,096 slow draws on average, with a standard deviation of 62. The probability of more
 * than this number is below 10^-100, so no block of any stream has more. */
#define FILL_SLOW_MAX 5600

/* Rows that level 1 makes at a time. BLOCK_SAMPLES / LANES is a multiple of it. */
#define FILL_ROWS 16

/* Rows that level 2 makes at a time, so that slots are loaded from outputs in memory. Even, because
 * level 2 makes an even number of rows. */
#define FILL_LEVEL2_ROWS 4

/* A block whose samples [begin, end) are written. Needs 12 KiB of stack. */
struct fill {
    struct lanes lanes[GROUPS];
    uint32_t begin, end;              /* samples of the block */
    double *out;                      /* `begin` goes to out[0] */
    uint32_t slow_count;              /* of the level that was made last */
    uint16_t slow[FILL_SLOW_MAX + 8]; /* the numbers of the samples whose draws were slow */
};

INLINE uint32_t level1_row_fill(struct lanes *lanes, double *x)
{
    vec out[VECS], b[VECS], units[VECS];
    vec_double doubles[VECS];
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        b[k] = lanes->b[k];
    lanes_row(lanes, out);
    uint32_t slow = level1_draw(units, out, b);
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        doubles[k] = level1_doubles(units[k]);
    doubles_store(x, doubles);
    return slow;
}

INLINE uint32_t uniform_row_fill(struct lanes *lanes, double *x)
{
    vec out[VECS];
    vec_double doubles[VECS];
    lanes_row(lanes, out);
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        doubles[k] = uniform_doubles(out[k]);
    doubles_store(x, doubles);
    return 0;
}

/* Makes a row of draws and writes them to x[0] to x[AT_ONCE - 1]. Returns a bit for each slow one.
 */
typedef uint32_t fill_row(struct lanes *lanes, double *x);

/* Makes FILL_ROWS rows. slow: for each row, a bit for each slow draw. */
INLINE void rows_fill(fill_row *make, struct lanes *groups, double *x, uint32_t *slow)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        struct lanes l = groups[g];
        for (unsigned row = 0; row < FILL_ROWS; row++) {
            uint32_t mask = make(&l, x + LANES * row + g * AT_ONCE) << g * AT_ONCE;
            slow[row] = g ? slow[row] | mask : mask;
        }
        groups[g] = l;
    }
}

static void list_slow(struct fill *fill, uint32_t first, const uint32_t *slow)
{
    for (unsigned row = 0; row < FILL_ROWS; row++) {
        assert(fill->slow_count <= FILL_SLOW_MAX - LANES);
        fill->slow_count =
            slow_append(fill->slow, fill->slow_count, first + LANES * row, slow[row]);
    }
}

/* Copies the samples inside [begin, end) from a chunk that begins with sample `first`. */
static void copy_inside(const struct fill *fill, uint32_t first, const double *chunk)
{
    uint32_t from = first < fill->begin ? fill->begin : first;
    uint32_t to = first + FILL_ROWS * LANES;
    if (to > fill->end)
        to = fill->end;
    if (from < to)
        memcpy(fill->out + from - fill->begin, chunk + from - first,
               (to - from) * sizeof *fill->out);
}

INLINE void chunk_fill(fill_row *make, struct fill *fill, uint32_t first, uint32_t *slow)
{
    double chunk[FILL_ROWS * LANES];
    if (fill->begin <= first && first + FILL_ROWS * LANES <= fill->end) {
        rows_fill(make, fill->lanes, fill->out + first - fill->begin, slow);
        return;
    }
    rows_fill(make, fill->lanes, chunk, slow);
    copy_inside(fill, first, chunk);
}

static void level1_fill(struct fill *fill)
{
    uint32_t slow[FILL_ROWS];
    for (uint32_t first = 0; first < BLOCK_SAMPLES; first += FILL_ROWS * LANES) {
        chunk_fill(level1_row_fill, fill, first, slow);
        list_slow(fill, first, slow);
    }
}

static void put(const struct fill *fill, uint32_t number, double x)
{
    if (number - fill->begin < fill->end - fill->begin)
        fill->out[number - fill->begin] = x;
}

/* Puts a row of draws, first, first + 1, ... into the samples of these slow draws. The list of the
 * level's own slow draws replaces the part of the list that is used. kept: the new list's length.
 * Returns the length with this row. */
static uint32_t row_put(struct fill *fill, uint32_t first, const double *row, uint32_t slow,
                        uint32_t kept)
{
    uint16_t *numbers = fill->slow + first;
    uint32_t count = fill->slow_count - first;
    if (count < LANES)
        slow &= (UINT32_C(1) << count) - 1;
    else
        count = LANES;
    for (uint32_t i = 0; i < count; i++)
        put(fill, numbers[i], row[i]);
    for (; slow; slow &= slow - 1)
        fill->slow[kept++] = numbers[__builtin_ctz(slow)];
    return kept;
}

static uint32_t level2_row_fill(vec out[GROUPS][VECS], double *x)
{
    uint32_t slow = 0;
    for (unsigned g = 0; g < GROUPS; g++)
        slow |= level2_draw(x + g * AT_ONCE, out[g]) << g * AT_ONCE;
    return slow;
}

/* Makes the outputs of up to FILL_LEVEL2_ROWS rows. */
static void level2_outputs(struct lanes *groups, uint32_t rows, vec out[][GROUPS][VECS])
{
    for (unsigned g = 0; g < GROUPS; g++)
        for (uint32_t row = 0; row < rows; row++)
            lanes_row(&groups[g], out[row][g]);
}

static void level2_fill(struct fill *fill)
{
    vec out[FILL_LEVEL2_ROWS][GROUPS][VECS];
    double x[LANES];
    uint32_t rows = (fill->slow_count + 2 * LANES - 1) / (2 * LANES) * 2, kept = 0;
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t left = rows - row;
        if (row % FILL_LEVEL2_ROWS == 0)
            level2_outputs(fill->lanes, left < FILL_LEVEL2_ROWS ? left : FILL_LEVEL2_ROWS, out);
        uint32_t slow = level2_row_fill(out[row % FILL_LEVEL2_ROWS], x);
        if (row * LANES < fill->slow_count)
            kept = row_put(fill, row * LANES, x, slow, kept);
    }
    fill->slow_count = kept;
}

static uint32_t level3_row_fill(struct lanes *groups, double *x)
{
    uint32_t slow = 0;
    for (unsigned g = 0; g < GROUPS; g++) {
        vec u[4][VECS];
        for (unsigned i = 0; i < 4; i++)
            lanes_row(&groups[g], u[i]);
        slow |= level3_draw(x + g * AT_ONCE, u[0], u[1], u[2]) << g * AT_ONCE;
    }
    return slow;
}

static void level3_fill(struct fill *fill)
{
    double x[LANES];
    uint32_t kept = 0;
    for (uint32_t first = 0; first < fill->slow_count; first += LANES) {
        uint32_t slow = level3_row_fill(fill->lanes, x);
        kept = row_put(fill, first, x, slow, kept);
    }
    fill->slow_count = kept;
}

static void level4_fill(const struct fill *fill, uint64_t key, uint64_t block)
{
    struct level4 generator;
    level4_init(&generator, key, block);
    for (uint32_t i = 0; i < fill->slow_count; i++)
        put(fill, fill->slow[i], (double)level4_draw(&generator) * 0x1p-49);
}

/* Writes samples [begin, end) of a block. begin <= end <= BLOCK_SAMPLES. */
static void gaussian_part_fill(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,
                               double *out)
{
    struct fill fill;
    fill.begin = begin, fill.end = end, fill.out = out, fill.slow_count = 0;
    assert(begin <= end);
    assert(end <= BLOCK_SAMPLES);
    block_init(fill.lanes, key, block);
    level1_fill(&fill);
    level2_fill(&fill);
    level3_fill(&fill);
    level4_fill(&fill, key, block);
    KERNEL_LEAVE();
}

/* As gaussian_part_fill(), for uniform samples. */
static void uniform_part_fill(uint64_t key, uint64_t block, uint32_t begin, uint32_t end,
                              double *out)
{
    struct fill fill;
    uint32_t slow[FILL_ROWS], first = begin / (FILL_ROWS * LANES) * (FILL_ROWS * LANES);
    fill.begin = begin, fill.end = end, fill.out = out;
    assert(begin <= end);
    assert(end <= BLOCK_SAMPLES);
    block_init(fill.lanes, key, block);
    for (unsigned g = 0; g < GROUPS; g++)
        lanes_skip(&fill.lanes[g], first / LANES);
    for (; first < end; first += FILL_ROWS * LANES)
        chunk_fill(uniform_row_fill, &fill, first, slow);
    KERNEL_LEAVE();
}

#endif
