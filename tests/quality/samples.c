/* Makes the samples of a block one by one. */
#include "tests/quality/samples.h"

#include <stdbool.h>
#include <string.h>

/* The vectors hold all lanes of a block, so each step makes a row of samples. */
#define VEC_LANES 2
#define VECS      16

#include "sums/lanes.h"
#include "sums/level4.h"
#include "sums/tables.h"

#define OUTPUTS_MAX 4 /* outputs of a lane for one draw, as level 3 needs */

/* A row of draws: one draw by each lane. */
struct output_row {
    uint64_t out[OUTPUTS_MAX][LANES]; /* the outputs of the lanes */
    uint64_t b[LANES];                /* the lanes' b before their first output */
};

static void row_make(struct output_row *row, struct lanes *lanes, unsigned outputs)
{
    memcpy(row->b, lanes->b, sizeof row->b);
    for (unsigned i = 0; i < outputs; i++, lanes->counter += 1) {
        for (unsigned k = 0; k < VECS; k++) {
            vec out = lanes_step(lanes, k);
            memcpy(&row->out[i][k * VEC_LANES], &out, sizeof out);
        }
    }
}

/* Draws: each function puts the sample into *q. If the draw is slow, it returns false, and *q has
 * no meaning. */

static uint64_t low52(uint64_t out)
{
    return out & ((UINT64_C(1) << 52) - 1);
}

static inline bool level1_draw(const struct output_row *row, unsigned lane, int64_t *q)
{
    uint64_t t = level1_slots[row->b[lane] >> 32 & (LEVEL1_SLOTS - 1)] >> 32;
    *q = (int64_t)((unsigned __int128)low52(row->out[0][lane]) * t >> 20) - (int64_t)(t << 31);
    return t > 0;
}

/* Returns the point of an interval for an output. */
static int64_t interval_point(uint64_t interval, uint64_t out)
{
    uint64_t left = interval >> 32 << 32, width = (uint32_t)interval;
    return (int64_t)(left + (uint64_t)((unsigned __int128)low52(out) * width >> 32));
}

static inline bool level2_draw(const struct output_row *row, unsigned lane, int64_t *q)
{
    uint64_t out = row->out[0][lane], slot = out >> 52;
    *q = interval_point(level2_slots[slot], out);
    return slot < LEVEL2_FAST;
}

static unsigned level3_bin(uint64_t out)
{
    unsigned slot = (unsigned)((out >> 32) * BIN_SLOTS >> 32);
    uint64_t entry = level3_alias[slot];
    return (uint32_t)out < entry >> 32 ? slot : (uint32_t)entry;
}

static inline bool level3_draw(const struct output_row *row, unsigned lane, int64_t *q)
{
    uint64_t u2 = row->out[1][lane], u3 = row->out[2][lane];
    unsigned bin = level3_bin(row->out[0][lane]);
    if (bin == BIN_SLOTS - 1)
        return false;
    uint64_t tilt = level3_tilts[bin];
    uint64_t keep = (tilt >> 32) - ((u2 >> 20 & UINT32_MAX) * (uint32_t)tilt >> 32);
    int64_t x = interval_point(level3_intervals[bin], (uint32_t)u3 < keep ? u2 : ~u2);
    *q = u3 >> 63 ? -x : x;
    return true;
}

/* Samples that no level has made so far, in order. */
struct open {
    uint32_t count;
    uint32_t sample[BLOCK_SAMPLES]; /* their numbers in the block */
};

static void open_init(struct open *open)
{
    open->count = BLOCK_SAMPLES;
    for (uint32_t j = 0; j < BLOCK_SAMPLES; j++)
        open->sample[j] = j;
}

/* Makes a level's draws for the open samples. Samples with slow draws stay open.
 * outputs: outputs of a lane for each draw. */
static inline void level(struct lanes *lanes, unsigned outputs,
                         bool (*draw)(const struct output_row *row, unsigned lane, int64_t *q),
                         struct open *open, int64_t *samples)
{
    struct output_row row;
    uint32_t slow = 0;
    for (uint32_t t = 0; t < open->count; t++) {
        if (t % LANES == 0)
            row_make(&row, lanes, outputs);
        uint32_t j = open->sample[t];
        open->sample[slow] = j;
        slow += !draw(&row, t % LANES, &samples[j]);
    }
    open->count = slow;
}

static void gaussian(uint64_t key, uint64_t block, int64_t *samples)
{
    struct lanes lanes;
    struct open open;
    lanes_init(&lanes, key, block, 0);
    open_init(&open);
    level(&lanes, 1, level1_draw, &open, samples);
    uint32_t odd = (open.count + LANES - 1) / LANES % 2;
    level(&lanes, 1, level2_draw, &open, samples);
    lanes_skip(&lanes, odd);
    level(&lanes, 4, level3_draw, &open, samples);
    for (uint32_t t = 0; t < open.count; t++)
        samples[open.sample[t]] = (int64_t)level4_sum(key, block, t, t + 1);
}

void samples_outputs(const struct stream *stream, uint64_t block, uint64_t *outputs)
{
    struct lanes lanes;
    struct output_row row;
    lanes_init(&lanes, stream->key, block, 0);
    for (uint32_t t = 0; t < BLOCK_SAMPLES; t += LANES) {
        row_make(&row, &lanes, 1);
        memcpy(&outputs[t], row.out[0], sizeof row.out[0]);
    }
}

static void uniform(const struct stream *stream, uint64_t block, int64_t *samples)
{
    uint64_t outputs[BLOCK_SAMPLES];
    samples_outputs(stream, block, outputs);
    for (uint32_t j = 0; j < BLOCK_SAMPLES; j++)
        samples[j] = (int64_t)(outputs[j] >> 11);
}

void integer_samples_fill(const struct stream *stream, uint64_t block, int64_t *samples)
{
    if (stream->kind == STREAM_GAUSSIAN)
        gaussian(stream->key, block, samples);
    else
        uniform(stream, block, samples);
}
