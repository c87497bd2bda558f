/* A digest that shows whether two builds give the same sums, bit for bit. */
#ifndef MEANTIME_SUMS_DIGEST_H
#define MEANTIME_SUMS_DIGEST_H

#include <stdint.h>

#include "sums/kernel.h"

/* Returns a digest of known answers in 64 bits: the sums of fixed ranges of both kinds, and of many
 * draws of the rarest level. Every kernel returns the same digest on every machine.
 * If two builds have the same digest, their sums have the same bits with near certainty. The 2.6
 * million samples of the digest cover every level of the sampler, whole and partial blocks, and
 * both ends of a stream. Different constants, a different algorithm, or different arithmetic of a
 * compiler or processor give a different digest.
 * The digest is not a proof. It may miss one wrong entry of a table for rare samples, and a
 * malicious peer can send any digest.
 * A worker sends its digest when it joins. If the front's digest differs, the worker gets no spans.
 * kernel: must run here. Takes about 4 ms with the portable kernel: compute it once, at the start.
 * Any thread. Never fails, never allocates. */
uint64_t sums_digest(const struct kernel *kernel);

#endif
