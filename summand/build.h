/* The build of a summand: a digest of known answers. Two servers whose builds differ compute other
 * bits, so a request gets the spans of one build only. The same passes find functions whose values
 * depend on more than the term. One thread. */
#ifndef MEANTIME_SUMMAND_BUILD_H
#define MEANTIME_SUMMAND_BUILD_H

#include <stdint.h>

#include "summand/engine.h"
#include "summand/sentence.h"

/* Terms that a new helper process repeats, at most. */
#define BUILD_KNOWN_TERMS 8

/* Computes the digest of terms 0 to check_terms - 1 and of a few ranges far away, without
 * parameters. Then repeats the terms with calls of other sizes, in other orders, and after another
 * begin(), for a second at most. Sets *build, never to 0.
 * Returns ENGINE_DONE, or another end and a sentence in `text` if a pass has other bits. */
enum engine_end build_digest(struct engine *engine, uint32_t check_terms, uint64_t *build,
                             char text[SENTENCE_BYTES]);

/* The digest of the first `terms` terms, in one call. The same ends. */
enum engine_end build_known(struct engine *engine, uint32_t terms, uint64_t *digest);

#endif
