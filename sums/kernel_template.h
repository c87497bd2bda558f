/* A template that sums the samples of a block, or of a part of it, with any instruction set.
 *
 * sums/kernel_<name>.c includes it after sums/lanes.h and these operations on vectors of lanes:
 *
 *     struct sums                     the sums of some draws; all zero at first. Its fields `sum`
 *                                     and `slow` are words or arrays of words. The words of `sum`
 *                                     add up to the sum of the samples modulo 2^64, and those of
 *                                     `slow` to the number of slow draws. Its other fields belong
 *                                     to the kernel
 *     level1_add(sums, out, b)        adds a draw of level 1 by each lane. `out` is the output, and
 *                                     `b` is the generator's b before that output
 *     level1_settle(sums)             brings `sum` and `slow` up to date. The template calls it
 *                                     after every LEVEL1_RUN rows and after the last row
 *     LEVEL1_RUN                      rows, an even number
 *     level2_add(sums, out)           adds a draw of level 2 by each lane
 *     LEVEL2_ROWS                     if this is above 1, a row's outputs stay in memory until
 *                                     LEVEL2_ROWS - 1 more rows are made: for a kernel that loads
 *                                     its slots from memory
 *     level3_add(sums, u1, u2, u3)    adds a draw of level 3 by each lane
 *
 * Each operation takes VECS vectors. The compiler inlines it into a loop over rows, which keeps
 * `sums` in registers.
 *
 * A level is a sequence of draws. Lane t % LANES makes draw t, so LANES draws are a row. The draws
 * of level 1 are the samples. A slow draw takes the next draw of the level below. Which draw this
 * is depends on the number of slow draws before it, but the sum over all draws does not depend on
 * it. Therefore a part of a block is a cut through every level: the number of slow draws before
 * the cut in one level is the position of the cut in the next level. */
#ifndef MEANTIME_SUMS_KERNEL_TEMPLATE_H
#define MEANTIME_SUMS_KERNEL_TEMPLATE_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "sums/lanes.h"
#include "sums/level4.h"
#include "sums/stream.h"

/* The number of groups of AT_ONCE lanes in a block. */
#define GROUPS (LANES / AT_ONCE)

/* The sum of some draws, and the number of slow draws among them. */
struct part {
    uint64_t sum, slow;
};

static inline uint64_t add_words(const void *words, size_t bytes)
{
    uint64_t sum = 0, word;
    for (size_t at = 0; at < bytes; at += sizeof word) {
        memcpy(&word, (const char *)words + at, sizeof word);
        sum += word;
    }
    return sum;
}

static inline struct part sums_part(const struct sums *sums)
{
    return (struct part){add_words(&sums->sum, sizeof sums->sum),
                         add_words(&sums->slow, sizeof sums->slow)};
}

/* Makes `rows` rows of a level's draws with AT_ONCE lanes. */
typedef struct part make_rows(struct lanes *lanes, uint32_t rows);

INLINE void level1_row(struct lanes *lanes, struct sums *sums)
{
    vec out[VECS], b[VECS];
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        b[k] = lanes->b[k];
    lanes_row(lanes, out);
    level1_add(sums, out, b);
}

/* Each turn makes two rows. The compiler interleaves them, and the processor executes more
 * instructions in parallel. */
INLINE void level1_run(struct lanes *lanes, struct sums *sums, uint32_t rows)
{
    for (uint32_t turn = 0; turn < rows / 2; turn++) {
        level1_row(lanes, sums);
        level1_row(lanes, sums);
    }
    if (rows % 2)
        level1_row(lanes, sums);
    level1_settle(sums);
}

static struct part level1_rows(struct lanes *lanes, uint32_t rows)
{
    struct lanes l = *lanes;
    struct sums sums = {0};
    for (; rows > LEVEL1_RUN; rows -= LEVEL1_RUN)
        level1_run(&l, &sums, LEVEL1_RUN);
    level1_run(&l, &sums, rows);
    *lanes = l;
    return sums_part(&sums);
}

static struct part level2_rows(struct lanes *lanes, uint32_t rows)
{
    struct lanes l = *lanes;
    struct sums sums = {0};
    vec out[LEVEL2_ROWS][VECS];
    for (uint32_t row = 0; row < rows + LEVEL2_ROWS - 1; row++) {
        if (row < rows)
            lanes_row(&l, out[row % LEVEL2_ROWS]);
        if (row + 1 >= LEVEL2_ROWS)
            level2_add(&sums, out[(row + 1) % LEVEL2_ROWS]);
    }
    *lanes = l;
    return sums_part(&sums);
}

/* A draw takes four outputs of its lane. The fourth output is not used. */
static struct part level3_rows(struct lanes *lanes, uint32_t rows)
{
    struct lanes l = *lanes;
    struct sums sums = {0};
    for (; rows > 0; rows--) {
        vec u[4][VECS];
        for (unsigned i = 0; i < 4; i++)
            lanes_row(&l, u[i]);
        level3_add(&sums, u[0], u[1], u[2]);
    }
    *lanes = l;
    return sums_part(&sums);
}

INLINE void uniform_row(struct lanes *lanes, vec *sum)
{
    vec out[VECS];
    lanes_row(lanes, out);
    UNROLL
    for (unsigned k = 0; k < VECS; k++)
        *sum += out[k] >> 11;
}

/* No uniform sample is slow. */
static struct part uniform_rows(struct lanes *lanes, uint32_t rows)
{
    struct lanes l = *lanes;
    vec sum = {0};
    for (uint32_t turn = 0; turn < rows / 2; turn++) {
        uniform_row(&l, &sum);
        uniform_row(&l, &sum);
    }
    if (rows % 2)
        uniform_row(&l, &sum);
    *lanes = l;
    return (struct part){add_words(&sum, sizeof sum), 0};
}

/* The progress of a group of lanes in a level. */
struct cursor {
    make_rows *make;
    struct lanes *lanes;
    unsigned first;     /* number of the group's first lane */
    uint32_t row;       /* the next row */
    struct part before; /* the sums of all rows before `row` */
};

/* An output that is slow on every level. b is this output minus the counter, so the slot of level 1
 * is 30. The slots of levels 2 and 3 are the last slots of these levels. */
#define SLOW_OUTPUT UINT64_C(0xffffffff00000000)

/* Returns the draws of the next row by the lanes before `lane`, and does not move the cursor. The
 * other lanes make slow draws, which are subtracted again. */
static struct part cursor_peek(const struct cursor *cursor, unsigned lane)
{
    unsigned drawn = lane - cursor->first;
    if (drawn > AT_ONCE)
        drawn = AT_ONCE;
    struct lanes lanes = *cursor->lanes;
    lanes_override(&lanes, drawn, cursor->make == uniform_rows ? 0 : SLOW_OUTPUT);
    struct part part = cursor->make(&lanes, 1);
    part.slow -= AT_ONCE - drawn;
    return part;
}

static struct part part_add(struct part a, struct part b)
{
    return (struct part){a.sum + b.sum, a.slow + b.slow};
}

/* Returns the group's share of the draws before `draw`. draw: not below that of an earlier call. */
static struct part cursor_cut(struct cursor *cursor, uint32_t draw)
{
    uint32_t row = draw / LANES, lane = draw % LANES;
    if (cursor->row < row)
        cursor->before = part_add(cursor->before, cursor->make(cursor->lanes, row - cursor->row));
    cursor->row = row;
    return lane > cursor->first ? part_add(cursor->before, cursor_peek(cursor, lane))
                                : cursor->before;
}

/* A cut through a level: the level makes `total` draws, of which [begin, end) are summed. */
struct cut {
    uint32_t begin, end, total;
};

/* Makes the whole rows of a level's draws up to cut->total. Changes the cut into the cut of the
 * next level. Returns the sum of the draws inside the cut. */
static uint64_t level(make_rows *make, struct lanes *lanes, struct cut *cut)
{
    struct cut next = {0, 0, 0};
    uint64_t sum = 0;
    for (unsigned g = 0; g < GROUPS; g++) {
        struct cursor cursor = {.make = make, .lanes = &lanes[g], .first = g * AT_ONCE};
        struct part begin = cursor_cut(&cursor, cut->begin);
        struct part end = cursor_cut(&cursor, cut->end);
        struct part total = cut->end < cut->total ? cursor_cut(&cursor, cut->total) : end;
        sum += end.sum - begin.sum;
        next.begin += (uint32_t)begin.slow;
        next.end += (uint32_t)end.slow;
        next.total += (uint32_t)total.slow;
    }
    *cut = next;
    return sum;
}

static void block_init(struct lanes *lanes, uint64_t key, uint64_t block)
{
    for (unsigned g = 0; g < GROUPS; g++)
        lanes_init(&lanes[g], key, block, g * AT_ONCE);
}

/* Makes the missing steps, so that all lanes leave level 2 after the same, even number of steps. */
static void level2_leave(struct lanes *lanes, uint32_t draws)
{
    uint32_t rows = (draws + LANES - 1) / LANES;
    for (unsigned g = 0; g < GROUPS; g++)
        lanes_skip(&lanes[g], rows + rows % 2 - draws / LANES);
}

/* Returns the sum of samples [begin, end) of a block, modulo 2^64. begin <= end <= BLOCK_SAMPLES.
 */
static uint64_t gaussian(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    struct lanes lanes[GROUPS];
    struct cut cut = {begin, end, BLOCK_SAMPLES};
    assert(begin <= end);
    assert(end <= BLOCK_SAMPLES);
    block_init(lanes, key, block);
    uint64_t sum = level(level1_rows, lanes, &cut);
    uint32_t draws = cut.total;
    sum += level(level2_rows, lanes, &cut);
    level2_leave(lanes, draws);
    sum += level(level3_rows, lanes, &cut);
    return sum + level4_sum(key, block, cut.begin, cut.end);
}

/* As gaussian(), for uniform samples. */
static uint64_t uniform(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    struct lanes lanes[GROUPS];
    struct cut cut = {begin, end, end};
    assert(begin <= end);
    assert(end <= BLOCK_SAMPLES);
    block_init(lanes, key, block);
    return level(uniform_rows, lanes, &cut);
}

#endif
