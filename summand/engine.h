/* Sums the terms of a summand: fills the arrays of samples, calls the function, and adds its
 * outputs exactly. The bits of the totals depend on the range alone, not on how it is cut.
 *
 * The engine calls the code of a user, so it must run in a helper process. It trusts nothing that
 * the code returns. One thread. */
#ifndef MEANTIME_SUMMAND_ENGINE_H
#define MEANTIME_SUMMAND_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "summand/include/meantime_summand.h"
#include "sums/exact_total.h"
#include "sums/kernel.h"

struct engine;

enum engine_end {
    ENGINE_DONE,
    ENGINE_STOPPED,        /* before_call() returned false */
    ENGINE_BAD_PARAMETERS, /* begin() returned a sentence */
    ENGINE_FAILED,         /* the function broke its contract */
};

/* Observes the engine. */
struct engine_watch {
    /* Called before each call of begin() and value(). count: 0 for begin(). Returning false stops
     * the engine. NULL: nobody observes. */
    bool (*before_call)(void *context, uint64_t first, uint32_t count);
    void *context;
};

/* Time that engine_sum() took, in nanoseconds. */
struct engine_times {
    uint64_t fill_ns;  /* to fill the arrays of samples */
    uint64_t value_ns; /* the rest: the function and the exact sums */
    uint64_t sum_ns;   /* the part of value_ns for the exact sums; 0 unless they are timed */
};

/* summand, kernel: must outlive the engine. Returns NULL without memory. */
struct engine *engine_new(const struct meantime_summand *summand, const struct kernel *kernel,
                          const struct engine_watch *watch);

/* Accepts NULL. Sets *engine to NULL. Calls end(). */
void engine_destroy(struct engine **engine);

/* Calls begin(), after end() if it was called before. Empties the totals.
 * parameters: at most MEANTIME_PARAMETERS_MAX printable bytes.
 * Returns ENGINE_DONE, or the reason and a sentence in engine_text(). */
enum engine_end engine_begin(struct engine *engine, uint64_t seed, const char *parameters);

/* Adds the terms first, ..., first + count - 1 to the totals. After a failure the totals have no
 * meaning. count: any, also 0. After engine_begin(). */
enum engine_end engine_sum(struct engine *engine, uint64_t first, uint64_t count);

/* Terms in one call of value(), 1 to MEANTIME_TERMS_MAX, for comparisons. 0: the engine chooses, so
 * that a call takes about 10 ms; that is the default. */
void engine_set_chunk(struct engine *engine, uint32_t terms);

/* Times the exact sums apart. */
void engine_time_sums(struct engine *engine);

/* Empties the totals and the times. */
void engine_empty(struct engine *engine);

/* The sentence about the last failure. */
const char *engine_text(const struct engine *engine);

/* These are valid after engine_begin(). */
uint64_t engine_grain(const struct engine *engine);
uint64_t engine_terms_max(const struct engine *engine); /* terms end before this number */
const struct meantime_shape *engine_shape(const struct engine *engine);
const char *engine_output_name(const struct engine *engine, uint32_t output); /* "1" without name */
bool engine_wants_squares(const struct engine *engine, uint32_t output);
void engine_totals(const struct engine *engine, uint32_t output, struct exact_total *sum,
                   struct exact_total *squares);
struct engine_times engine_times(const struct engine *engine);

/* ---- single calls, for the known answers ------------------------------------------------------
 */

/* How many of `terms` terms from `first` on can be computed in one call. */
uint32_t engine_terms_at(const struct engine *engine, uint64_t first, uint32_t terms);

/* Computes these terms in one call. The outputs that value() does not set are reported. */
enum engine_end engine_call(struct engine *engine, uint64_t first, uint32_t count);

/* The values of an output in the last call. */
const double *engine_values(const struct engine *engine, uint32_t output);

#endif
