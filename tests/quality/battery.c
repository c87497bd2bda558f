/* Feeds the blocks of many streams to the tests of samples. */
#include "tests/quality/battery.h"

#include <stdlib.h>

#include "sums/seed.h"
#include "sums/sum.h"
#include "tests/quality/kinds.h"
#include "tests/quality/samples.h"

#define STREAM_BLOCKS_LOG2 47

struct battery *battery_new(void)
{
    return calloc(1, sizeof(struct battery));
}

void battery_destroy(struct battery **battery)
{
    free(*battery);
    *battery = NULL;
}

/* The samples of one block number: of both kinds and both seeds of a chunk. */
struct block_columns {
    struct column gaussian[2], uniform[2]; /* one for each seed */
};

struct chunk {
    struct battery *battery;
    struct cells cells;
    struct stream gaussian[2], uniform[2];
    uint64_t number;
    uint64_t first; /* number of the first block */
    int64_t samples[BLOCK_SAMPLES];
    double values[BLOCK_SAMPLES];
    struct column shifted;
    struct block_columns columns[2]; /* of this block and the block before, in turn */
};

/* Checks that the samples tested here are those that the programs sum. */
static void compare_sum(struct chunk *chunk, const struct stream *stream, uint64_t block)
{
    struct total total = {0, 0};
    sum_range(kernel_best(), stream, block * BLOCK_SAMPLES, BLOCK_SAMPLES, &total);
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++)
        total.units -= chunk->samples[j];
    chunk->battery->blocks++;
    chunk->battery->blocks_differing += total.units != 0;
}

static void add_gaussian(struct chunk *chunk, const struct stream *stream, uint64_t block,
                         struct column *column)
{
    struct tallies *tallies = &chunk->battery->gaussian;
    integer_samples_fill(stream, block, chunk->samples);
    compare_sum(chunk, stream, block);
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++)
        chunk->values[j] = (double)chunk->samples[j] * 0x1p-49;
    moments_add(&tallies->moments, chunk->values);
    histogram_add(&tallies->histogram, STREAM_GAUSSIAN, chunk->samples);
    column_gaussian(column, &chunk->cells, chunk->samples);
}

/* Also leaves the samples in chunk->samples. */
static void add_uniform(struct chunk *chunk, const struct stream *stream, uint64_t block,
                        struct column *column)
{
    struct tallies *tallies = &chunk->battery->uniform;
    integer_samples_fill(stream, block, chunk->samples);
    compare_sum(chunk, stream, block);
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++)
        chunk->values[j] = (double)chunk->samples[j] * 0x1p-52 - 1;
    moments_add(&tallies->moments, chunk->values);
    histogram_add(&tallies->histogram, STREAM_UNIFORM, chunk->samples);
    column_uniform(column, chunk->samples, 0);
}

/* Level 1 makes a gaussian sample from the low 52 bits of an output. A uniform sample is the high
 * 53 bits of an output. If both kinds had the same outputs, pairs would show it from bit 12 on. */
static void pair_kinds(struct chunk *chunk, const struct column *gaussian, uint64_t turn)
{
    unsigned member = turn % SHIFTS;
    column_uniform(&chunk->shifted, chunk->samples, 12 * member);
    pairs_add(&chunk->battery->kinds[member], gaussian, &chunk->shifted, 0);
}

/* Pairs samples within a block. Each call uses one lag and one distance; all of them take turns. */
static void pair_within(struct tallies *tallies, const struct column *column, uint64_t turn)
{
    unsigned lag = 1 + turn % LAGS, distance = 1 + turn % (DISTANCES - 1);
    pairs_add(&tallies->lane[lag], column, column, lag * LANES);
    pairs_add(&tallies->across[distance], column, column, distance);
}

static void pair_seeds(struct tallies *tallies, const struct column columns[2], uint64_t turn)
{
    unsigned distance = turn % DISTANCES;
    pairs_add(&tallies->seed[distance], &columns[0], &columns[1], distance);
}

static void pair_blocks(struct tallies *tallies, const struct column *before,
                        const struct column *column, uint64_t turn)
{
    unsigned distance = turn % DISTANCES;
    pairs_add(&tallies->block[distance], before, column, distance);
}

static void add_seed(struct chunk *chunk, struct block_columns *columns, unsigned seed,
                     uint64_t block)
{
    uint64_t turn = chunk->number + block;
    add_gaussian(chunk, &chunk->gaussian[seed], block, &columns->gaussian[seed]);
    add_uniform(chunk, &chunk->uniform[seed], block, &columns->uniform[seed]);
    pair_kinds(chunk, &columns->gaussian[seed], turn);
    pair_within(&chunk->battery->gaussian, &columns->gaussian[seed], turn);
    pair_within(&chunk->battery->uniform, &columns->uniform[seed], turn);
}

static void add_block(struct chunk *chunk, unsigned i)
{
    struct battery *battery = chunk->battery;
    struct block_columns *columns = &chunk->columns[i % 2], *before = &chunk->columns[(i + 1) % 2];
    uint64_t block = chunk->first + i, turn = chunk->number + block;
    for (unsigned seed = 0; seed < 2; seed++) {
        add_seed(chunk, columns, seed, block);
        if (i == 0)
            continue;
        pair_blocks(&battery->gaussian, &before->gaussian[seed], &columns->gaussian[seed], turn);
        pair_blocks(&battery->uniform, &before->uniform[seed], &columns->uniform[seed], turn);
    }
    pair_seeds(&battery->gaussian, columns->gaussian, turn);
    pair_seeds(&battery->uniform, columns->uniform, turn);
}

/* An odd chunk begins at a random block, a multiple of its length. An even chunk begins at block 0.
 */
static uint64_t first_block(uint64_t number)
{
    if (number % 2 == 0)
        return 0;
    return mix(number) >> (64 - STREAM_BLOCKS_LOG2) & ~(uint64_t)(CHUNK_BLOCKS - 1);
}

bool battery_add_chunk(struct battery *battery, uint64_t seed, uint64_t number)
{
    struct chunk *chunk = malloc(sizeof *chunk);
    if (!chunk)
        return false;
    chunk->battery = battery;
    chunk->number = number;
    chunk->first = first_block(number);
    cells_init(&chunk->cells);
    for (unsigned i = 0; i < 2; i++) {
        stream_init(&chunk->gaussian[i], seed + 2 * number + i, STREAM_GAUSSIAN);
        stream_init(&chunk->uniform[i], seed + 2 * number + i, STREAM_UNIFORM);
    }
    for (unsigned i = 0; i < CHUNK_BLOCKS; i++)
        add_block(chunk, i);
    free(chunk);
    return true;
}

static void merge_pairs(struct pairs *into, const struct pairs *part, unsigned members)
{
    for (unsigned m = 0; m < members; m++)
        pairs_merge(&into[m], &part[m]);
}

static void tallies_merge(struct tallies *into, const struct tallies *part)
{
    moments_merge(&into->moments, &part->moments);
    histogram_merge(&into->histogram, &part->histogram);
    merge_pairs(into->lane, part->lane, LAGS + 1);
    merge_pairs(into->across, part->across, DISTANCES);
    merge_pairs(into->block, part->block, DISTANCES);
    merge_pairs(into->seed, part->seed, DISTANCES);
}

void battery_merge(struct battery *into, const struct battery *part)
{
    tallies_merge(&into->gaussian, &part->gaussian);
    tallies_merge(&into->uniform, &part->uniform);
    merge_pairs(into->kinds, part->kinds, SHIFTS);
    into->blocks += part->blocks;
    into->blocks_differing += part->blocks_differing;
}

static void report_pairs(const struct pairs *list, unsigned members, struct margins margins,
                         enum stream_kind kind, const char *where, struct findings *findings)
{
    char name[40];
    snprintf(name, sizeof name, "%s %s", kind_name(kind), where);
    pairs_report(list, members, margins, name, findings);
}

static void tallies_report(const struct tallies *tallies, enum stream_kind kind,
                           const double *probability, struct findings *findings)
{
    struct margins margins = {probability, probability};
    moments_report(&tallies->moments, kind, findings);
    histogram_report(&tallies->histogram, kind, findings);
    report_pairs(tallies->lane, LAGS + 1, margins, kind, "in a lane", findings);
    report_pairs(tallies->across, DISTANCES, margins, kind, "across lanes", findings);
    report_pairs(tallies->block, DISTANCES, margins, kind, "across blocks", findings);
    report_pairs(tallies->seed, DISTANCES, margins, kind, "across seeds", findings);
}

void battery_report(const struct battery *battery, struct findings *findings)
{
    struct cells cells;
    cells_init(&cells);
    tallies_report(&battery->gaussian, STREAM_GAUSSIAN, cells.gaussian, findings);
    tallies_report(&battery->uniform, STREAM_UNIFORM, cells.uniform, findings);
    pairs_report(battery->kinds, SHIFTS, (struct margins){cells.gaussian, cells.uniform},
                 "across kinds", findings);
}
