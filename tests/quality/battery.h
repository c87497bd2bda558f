/* The tests of samples, which get the blocks of many streams. */
#ifndef MEANTIME_TESTS_QUALITY_BATTERY_H
#define MEANTIME_TESTS_QUALITY_BATTERY_H

#include <stdint.h>

#include "sums/seed.h"
#include "tests/quality/column.h"
#include "tests/quality/findings.h"
#include "tests/quality/histogram.h"
#include "tests/quality/moments.h"
#include "tests/quality/pairs.h"

/* A chunk is CHUNK_BLOCKS consecutive blocks of both kinds of two adjacent seeds. */
#define CHUNK_BLOCKS  32
#define CHUNK_SAMPLES (UINT64_C(2) * CHUNK_BLOCKS * BLOCK_SAMPLES) /* of each kind */

#define LAGS      8     /* pairs in a lane are 1 to 8 of its steps apart */
#define DISTANCES LANES /* other pairs are 0 to 31 samples apart */
#define SHIFTS    4 /* pairs of both kinds use the uniform sample's bits from 0, 12, 24 or 36 on */

/* All counts and sums of the samples of one kind. */
struct tallies {
    struct moments moments;
    struct histogram histogram;
    struct pairs lane[LAGS + 1];    /* two samples of one lane; lag 0 stays empty */
    struct pairs across[DISTANCES]; /* two samples of different lanes; distance 0 stays empty */
    struct pairs block[DISTANCES];  /* a sample of a block and one of the next block */
    struct pairs seed[DISTANCES];   /* a sample of a seed and one of the next seed */
};

/* Each thread has a battery of 2 MB. Merged batteries give the same findings for every distribution
 * of chunks to threads. */
struct battery {
    struct tallies gaussian, uniform;
    struct pairs kinds[SHIFTS]; /* a gaussian sample and a uniform one of the same seed */
    uint64_t blocks;            /* number of blocks tested */
    uint64_t blocks_differing;  /* blocks whose samples do not add up to the kernel's sum */
};

struct battery *battery_new(void);
void battery_destroy(struct battery **battery);

/* Adds chunk `number`, with the seeds seed + 2 * number and seed + 2 * number + 1. Even chunks are
 * at the beginning of their streams, odd ones at random positions. Takes about 0.1 s and 14 MB.
 * Returns false if there is no memory. */
bool battery_add_chunk(struct battery *battery, uint64_t seed, uint64_t number);

void battery_merge(struct battery *into, const struct battery *part);
void battery_report(const struct battery *battery, struct findings *findings);

#endif
