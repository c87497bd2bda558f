/* Which samples a term uses. */
#include "summand/layout.h"

#include "sums/stream.h"

#define STREAM_BLOCKS_LOG2 47
#define TERMS_MULTIPLE     8 /* so that the arrays of all samples have the same alignment */

uint32_t layout_terms_per_block(uint32_t samples)
{
    return samples ? BLOCK_SAMPLES / samples / TERMS_MULTIPLE * TERMS_MULTIPLE : 0;
}

uint64_t layout_grain(uint32_t gaussians, uint32_t uniforms)
{
    uint32_t of_gaussian = layout_terms_per_block(gaussians);
    uint32_t of_uniform = layout_terms_per_block(uniforms);
    uint32_t larger = of_gaussian > of_uniform ? of_gaussian : of_uniform;
    return larger ? larger : 1;
}

static uint64_t terms_of_stream(uint32_t samples)
{
    if (samples == 0)
        return UINT64_C(1) << 63;
    return (uint64_t)layout_terms_per_block(samples) << STREAM_BLOCKS_LOG2;
}

uint64_t layout_terms_max(uint32_t gaussians, uint32_t uniforms)
{
    uint64_t of_gaussian = terms_of_stream(gaussians), of_uniform = terms_of_stream(uniforms);
    return of_gaussian < of_uniform ? of_gaussian : of_uniform;
}
