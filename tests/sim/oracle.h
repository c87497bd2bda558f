/* The oracle: the expected answer to every request, at no cost. The sum of a range is the
 * difference of two random numbers, one for each end of the range. Adjacent ranges add up, like
 * real sums. Any gap, overlap, swapped span or span of another stream changes the sum. */
#ifndef MEANTIME_TESTS_SIM_ORACLE_H
#define MEANTIME_TESTS_SIM_ORACLE_H

#include "proto/message.h"
#include "sums/stream.h"
#include "tests/support/chance.h"

/* The random number of one end of a range. 53 bits: the sum of any range is in the range of one
 * sample. */
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
