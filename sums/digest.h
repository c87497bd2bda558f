/* Do two builds sum the same bits? */
#ifndef MEANTIME_SUMS_DIGEST_H
#define MEANTIME_SUMS_DIGEST_H

#include <stdint.h>

#include "sums/kernel.h"

/* A digest of known answers: the sums of fixed ranges of both kinds, and of many draws of the
 * rarest level, folded into 64 bits. Every kernel gives the same on every machine.
 * Two builds with the same digest sum the same bits with near certainty: its 2.6 million samples
 * pass through every level of the sampler, through whole and cut blocks and both ends of a stream,
 * so that other constants, another algorithm, or arithmetic that a compiler or a processor does
 * otherwise give another digest. It is no proof: one wrong entry of a table for rare samples may
 * escape it, and a peer that means ill can say any digest.
 * A worker says its digest when it joins; if it differs from the front's, it gets no work.
 * kernel: must run here. About 4 ms with the portable kernel: compute it once, at the start.
 * Any thread. Never fails, never allocates. */
uint64_t sums_digest(const struct kernel *kernel);

#endif
