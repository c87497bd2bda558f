/* Writes a range of a stream block by block. */
#include "sums/samples.h"

#include <assert.h>

#define SAMPLES_MAX (UINT64_C(1) << 63) /* of a stream */

static void block_fill(const struct kernel *kernel, const struct stream *stream, uint64_t block,
                       uint32_t begin, uint32_t end, double *out)
{
    bool whole = begin == 0 && end == BLOCK_SAMPLES;
    if (stream->kind == STREAM_GAUSSIAN) {
        if (whole)
            kernel->gaussian_fill(stream->key, block, out);
        else
            kernel->gaussian_fill_part(stream->key, block, begin, end, out);
    } else {
        if (whole)
            kernel->uniform_fill(stream->key, block, out);
        else
            kernel->uniform_fill_part(stream->key, block, begin, end, out);
    }
}

void samples_fill(const struct kernel *kernel, const struct stream *stream, uint64_t first,
                  size_t count, double *out)
{
    assert(first <= SAMPLES_MAX);
    assert(count <= SAMPLES_MAX - first);
    for (uint64_t at = first, end = first + count; at < end;) {
        uint32_t from = at % BLOCK_SAMPLES;
        uint32_t samples = BLOCK_SAMPLES - from;
        if (samples > end - at)
            samples = (uint32_t)(end - at);
        block_fill(kernel, stream, at / BLOCK_SAMPLES, from, from + samples, out);
        out += samples;
        at += samples;
    }
}
