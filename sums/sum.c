/* Sums a range of a stream block by block. */
#include "sums/sum.h"

#include <assert.h>

#include "sums/kernel_portable.h"

#define SAMPLES_MAX (UINT64_C(1) << 63) /* of a stream */

static int64_t block_part(const struct kernel *kernel, const struct stream *stream, uint64_t block,
                          uint32_t begin, uint32_t end)
{
    bool whole = begin == 0 && end == BLOCK_SAMPLES;
    if (stream->kind == STREAM_GAUSSIAN)
        return whole ? kernel->gaussian_block(stream->key, block)
                     : portable_gaussian_part(stream->key, block, begin, end);
    return whole ? kernel->uniform_block(stream->key, block)
                 : portable_uniform_part(stream->key, block, begin, end);
}

void sum_range(const struct kernel *kernel, const struct stream *stream, uint64_t first,
               uint64_t count, struct total *total)
{
    assert(first <= SAMPLES_MAX);
    assert(count <= SAMPLES_MAX - first);
    uint64_t end = first + count;
    for (uint64_t at = first; at < end;) {
        uint64_t block = at / BLOCK_SAMPLES;
        uint32_t from = at % BLOCK_SAMPLES;
        uint32_t samples = BLOCK_SAMPLES - from;
        if (samples > end - at)
            samples = (uint32_t)(end - at);
        total->units += block_part(kernel, stream, block, from, from + samples);
        at += samples;
    }
    if (stream->kind == STREAM_UNIFORM)
        total->units += (__int128)count * UNIFORM_CENTRE;
    total->count += count;
}
