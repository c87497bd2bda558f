/* The tests of samples, fed with the blocks of many streams. */
#ifndef MEANTIME_TESTS_QUALITY_BATTERY_H
#define MEANTIME_TESTS_QUALITY_BATTERY_H

#include <stdint.h>

#include "sums/seed.h"
#include "tests/quality/column.h"
#include "tests/quality/findings.h"
#include "tests/quality/histogram.h"
#include "tests/quality/moments.h"
#include "tests/quality/pairs.h"

/* A chunk is CHUNK_BLOCKS blocks in a row, of both kinds, of two adjacent seeds. */
#define CHUNK_BLOCKS  32
#define CHUNK_SAMPLES (UINT64_C(2) * CHUNK_BLOCKS * BLOCK_SAMPLES) /* of each kind */

#define LAGS      8     /* pairs in a lane: 1 to 8 of its steps apart */
#define DISTANCES LANES /* other pairs: 0 to 31 samples apart */
#define SHIFTS    4     /* pairs of both kinds: the uniform sample's bits from 0, 12, 24 or 36 on */

/* What is counted of the samples of one kind. */
struct tallies {
    struct moments moments;
    struct histogram histogram;
    struct pairs lane[LAGS + 1];    /* both in one lane; lag 0 stays empty */
    struct pairs across[DISTANCES]; /* in two lanes; distance 0 stays empty */
    struct pairs block[DISTANCES];  /* in this block and the next one */
    struct pairs seed[DISTANCES];   /* under this seed and the next one */
};

/* One for each thread: 2 MB. Joined, they give the same findings however the chunks were shared
 * out. */
struct battery {
    struct tallies gaussian, uniform;
    struct pairs kinds[SHIFTS];        /* of gaussian and uniform samples of one seed */
    uint64_t blocks, blocks_differing; /* whose samples do not add up to the kernel's sum */
};

struct battery *battery_new(void);
void battery_destroy(struct battery **battery);

/* Adds chunk `number`: its seeds are seed + 2 * number and the next one. Even chunks are at the
 * beginning of their streams, odd ones anywhere. Takes about 0.1 s and 14 MB. Returns false when
 * there is no memory. */
bool battery_add_chunk(struct battery *battery, uint64_t seed, uint64_t number);

void battery_join(struct battery *into, const struct battery *part);
void battery_report(const struct battery *battery, struct findings *findings);

#endif
