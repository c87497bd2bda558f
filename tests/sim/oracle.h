/* The right answer to every request. A sum that costs nothing: a range is worth the difference of
 * two random numbers that stand for its ends. So adjacent ranges add up, as real sums do, and any
 * gap, overlap, swapped piece or piece of another stream shows. */
#ifndef MEANTIME_TESTS_SIM_ORACLE_H
#define MEANTIME_TESTS_SIM_ORACLE_H

#include "proto/message.h"
#include "sums/stream.h"
#include "tests/sim/chance.h"

/* 53 bits: no range is worth more than one sample may be. */
static inline int64_t oracle_end(uint64_t seed, enum message_kind kind, uint64_t sample)
{
    return (int64_t)(chance_mix(chance_mix(seed + kind) + sample) >> 11);
}

static inline __int128 oracle_units(uint64_t seed, enum message_kind kind, uint64_t first,
                                    uint64_t count)
{
    return oracle_end(seed, kind, first + count) - oracle_end(seed, kind, first);
}

static inline bool oracle_agrees(const struct sum_request *asked, const struct sum_reply *reply)
{
    return reply->count == asked->count &&
           reply->units == oracle_units(asked->seed, asked->kind, asked->first, asked->count) &&
           reply->unit_log2 == stream_unit_log2((enum stream_kind)asked->kind);
}

#endif
