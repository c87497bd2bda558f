/* Which samples a term uses. sums/SAMPLER.md specifies it. Any thread. */
#ifndef MEANTIME_SUMMAND_LAYOUT_H
#define MEANTIME_SUMMAND_LAYOUT_H

#include <stdint.h>

/* Returns how many terms share one block of a stream: T = floor(65536 / samples / 8) * 8. Term n
 * uses block n / T. Its sample d is number d T + n % T of that block.
 * samples: of one kind, for one term, 1 to MEANTIME_SAMPLES_MAX. 0: returns 0, there is no block.
 */
uint32_t layout_terms_per_block(uint32_t samples);

/* Returns the grain, the larger one of both T: a range that is cut at a multiple of the grain makes
 * no block of samples twice. Returns 1 if terms need no samples. */
uint64_t layout_grain(uint32_t gaussians, uint32_t uniforms);

/* Terms are numbered from 0 and end before this number, because a stream has 2^47 blocks. Without
 * samples: 2^63. */
uint64_t layout_terms_max(uint32_t gaussians, uint32_t uniforms);

#endif
