/* Sums of the samples of a block, or of a part of it, in any instruction set: a template.
 *
 * Included by sums/kernel_<name>.c after sums/lanes.h and its operations on a vector:
 *
 *     struct sums                     accumulators of a vector's lanes; all zero at first
 *     level1_add(sums, out, b)        a draw of level 1 by each lane: `out` is the output, `b` the
 *                                     generator's b before it
 *     level2_add(sums, out)           a draw of level 2
 *     level3_add(sums, u1, u2, u3)    a draw of level 3
 *     level1_tally(sums, tally, first), sums_tally(sums, tally, first)
 *                                     each lane's sum and number of slow draws, into
 *                                     tally->sum[first + i] and tally->slow[first + i]
 *
 * A level is a sequence of draws; draw t is made by lane t % LANES, so LANES draws are a row. The
 * draws of level 1 are the samples. A slow draw takes the next draw of the level below: which one
 * depends on the number of slow draws before it, but a sum over all of them does not. So a part of
 * a block is found by cutting each level in the same way: where a level is cut, the number of slow
 * draws before the cut is the place where the next level is cut. */
#ifndef MEANTIME_SUMS_KERNEL_TEMPLATE_H
#define MEANTIME_SUMS_KERNEL_TEMPLATE_H

#include <assert.h>
#include <stdint.h>

#include "sums/lanes.h"
#include "sums/level4.h"
#include "sums/stream.h"

/* Lanes of a block, in groups of AT_ONCE. */
#define GROUPS (LANES / AT_ONCE)

/* Where a level is cut: the draws [begin, end) of `total` count. */
struct window {
    uint32_t begin, end, total;
};

/* Makes some rows of a level's draws with AT_ONCE lanes; `tally` says what came out. */
typedef void make_rows(struct lanes *lanes, uint32_t rows, struct tally *tally);

static void level1_rows(struct lanes *lanes, uint32_t rows, struct tally *tally)
{
    struct lanes l = *lanes;
    struct sums sums[VECS] = {0};
    for (; rows > 0; rows--, l.counter++) {
        UNROLL
        for (unsigned k = 0; k < VECS; k++) {
            vec b = l.b[k];
            level1_add(&sums[k], lanes_step(&l, k), b);
        }
    }
    for (unsigned k = 0; k < VECS; k++)
        level1_tally(&sums[k], tally, k * VEC_LANES);
    *lanes = l;
}

static void level2_rows(struct lanes *lanes, uint32_t rows, struct tally *tally)
{
    struct lanes l = *lanes;
    struct sums sums[VECS] = {0};
    for (; rows > 0; rows--, l.counter++) {
        UNROLL
        for (unsigned k = 0; k < VECS; k++)
            level2_add(&sums[k], lanes_step(&l, k));
    }
    for (unsigned k = 0; k < VECS; k++)
        sums_tally(&sums[k], tally, k * VEC_LANES);
    *lanes = l;
}

/* A draw takes four outputs of its lane; the last one is not used. */
static void level3_rows(struct lanes *lanes, uint32_t rows, struct tally *tally)
{
    struct sums sums[VECS] = {0};
    for (; rows > 0; rows--) {
        vec u[4][VECS];
        for (unsigned i = 0; i < 4; i++, lanes->counter++)
            for (unsigned k = 0; k < VECS; k++)
                u[i][k] = lanes_step(lanes, k);
        for (unsigned k = 0; k < VECS; k++)
            level3_add(&sums[k], u[0][k], u[1][k], u[2][k]);
    }
    for (unsigned k = 0; k < VECS; k++)
        sums_tally(&sums[k], tally, k * VEC_LANES);
}

/* No uniform sample is slow. */
static void uniform_rows(struct lanes *lanes, uint32_t rows, struct tally *tally)
{
    struct lanes l = *lanes;
    vec sum[VECS] = {0};
    *tally = (struct tally){0};
    for (; rows > 0; rows--, l.counter++) {
        UNROLL
        for (unsigned k = 0; k < VECS; k++)
            sum[k] += lanes_step(&l, k) >> 11;
    }
    for (unsigned i = 0; i < AT_ONCE; i++)
        tally->sum[i] = sum[i / VEC_LANES][i % VEC_LANES];
    *lanes = l;
}

/* The sum and the number of slow draws of some of a level's draws. */
struct part {
    uint64_t sum;
    uint32_t slow;
};

/* How far a group of lanes has come in a level. */
struct cursor {
    make_rows *make;
    struct lanes *lanes;
    unsigned first;     /* number of the group's first lane */
    uint32_t row;       /* the next row to be made */
    struct tally last;  /* the rows that the last call made */
    struct part before; /* all rows before those */
};

/* All rows before the last ones, and of those the lanes with a number below `end`. */
static struct part cursor_part(const struct cursor *cursor, unsigned end)
{
    struct part part = cursor->before;
    for (unsigned i = 0; i < AT_ONCE && cursor->first + i < end; i++) {
        part.sum += cursor->last.sum[i];
        part.slow += (uint32_t)cursor->last.slow[i];
    }
    return part;
}

static void cursor_make(struct cursor *cursor, uint32_t rows)
{
    cursor->before = cursor_part(cursor, LANES);
    cursor->make(cursor->lanes, rows, &cursor->last);
    cursor->row += rows;
}

/* The group's share of the draws before `draw`, which must not fall from one call to the next. A
 * row that is cut in two is made by a call of its own, so that its lanes can be told apart. */
static struct part cursor_cut(struct cursor *cursor, uint32_t draw)
{
    uint32_t row = draw / LANES, lane = draw % LANES;
    if (cursor->row < row)
        cursor_make(cursor, row - cursor->row);
    if (cursor->row == row && lane > 0)
        cursor_make(cursor, 1);
    return cursor_part(cursor, cursor->row > row ? lane : LANES);
}

/* Makes a level's draws up to window->total, turns the window into that of the next level and
 * returns the sum of the draws inside. */
static uint64_t level(make_rows *make, struct lanes *lanes, struct window *window)
{
    struct window next = {0, 0, 0};
    uint64_t sum = 0;
    for (unsigned g = 0; g < GROUPS; g++) {
        struct cursor cursor = {.make = make, .lanes = &lanes[g], .first = g * AT_ONCE};
        struct part begin = cursor_cut(&cursor, window->begin);
        struct part end = cursor_cut(&cursor, window->end);
        struct part total = cursor_cut(&cursor, window->total);
        sum += end.sum - begin.sum;
        next.begin += begin.slow;
        next.end += end.slow;
        next.total += total.slow;
    }
    *window = next;
    return sum;
}

static void block_init(struct lanes *lanes, uint64_t key, uint64_t block)
{
    for (unsigned g = 0; g < GROUPS; g++)
        lanes_init(&lanes[g], key, block, g * AT_ONCE);
}

/* Sum of samples [begin, end) of a block, begin <= end <= BLOCK_SAMPLES, modulo 2^64. All lanes
 * leave level 2 after the same, even number of steps. */
static uint64_t gaussian(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    struct lanes lanes[GROUPS];
    struct window window = {begin, end, BLOCK_SAMPLES};
    assert(begin <= end);
    assert(end <= BLOCK_SAMPLES);
    block_init(lanes, key, block);
    uint64_t sum = level(level1_rows, lanes, &window);
    uint32_t odd = (window.total + LANES - 1) / LANES % 2;
    sum += level(level2_rows, lanes, &window);
    for (unsigned g = 0; g < GROUPS; g++)
        lanes_skip(&lanes[g], odd);
    sum += level(level3_rows, lanes, &window);
    return sum + level4_sum(key, block, window.begin, window.end);
}

/* The same for uniform samples. */
static uint64_t uniform(uint64_t key, uint64_t block, uint32_t begin, uint32_t end)
{
    struct lanes lanes[GROUPS];
    struct window window = {begin, end, end};
    assert(begin <= end);
    assert(end <= BLOCK_SAMPLES);
    block_init(lanes, key, block);
    return level(uniform_rows, lanes, &window);
}

#endif
