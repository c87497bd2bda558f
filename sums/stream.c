/* Computes the key of a stream. */
#include "sums/stream.h"

#include <assert.h>

#include "sums/seed.h"

void stream_init(struct stream *stream, uint64_t seed, enum stream_kind kind)
{
    assert(kind == STREAM_GAUSSIAN || kind == STREAM_UNIFORM);
    stream->key = mix(mix(seed + GOLDEN_GAMMA) ^ kind);
    stream->kind = kind;
}

int stream_unit_log2(enum stream_kind kind)
{
    assert(kind == STREAM_GAUSSIAN || kind == STREAM_UNIFORM);
    return kind == STREAM_GAUSSIAN ? -49 : -53;
}
