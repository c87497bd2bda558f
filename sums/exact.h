/* Exact sums of doubles and of their squares: the same bits in any order, any grouping, and with
 * any kernel. Nothing rounds before the caller asks for a double. sums/EXACT.md explains the
 * method. */
#ifndef MEANTIME_SUMS_EXACT_H
#define MEANTIME_SUMS_EXACT_H

#include <stdbool.h>
#include <stddef.h>

#include "sums/exact_kernel.h"
#include "sums/exact_total.h"

/* The sum of some doubles, and of the squares of some, up to 2^63 each. About 1,100 bytes. One
 * thread at a time. */
struct exact;

/* Returns an empty sum, or NULL without memory. */
struct exact *exact_new(void);

/* The same with a kernel, which must run here. */
struct exact *exact_new_with(const struct exact_kernel *kernel);

/* For memory of the caller, aligned to 64 bytes: its size, a multiple of 64, and an empty sum in
 * it. Do not destroy such a sum. */
size_t exact_bytes(void);
struct exact *exact_init(void *memory);

/* Accepts NULL. Sets *exact to NULL. */
void exact_destroy(struct exact **exact);

/* Adds n doubles to the sum. Returns true. If one is infinite or no number, adds nothing, sets *bad
 * to the index of the first, and returns false. y: any alignment. The function may use up to 8 KiB
 * of the stack; it never allocates. It sets the processor's mode of rounding for itself and
 * restores it, so that the caller's does not matter. */
bool exact_add(struct exact *exact, const double *y, size_t n, size_t *bad);

/* The same for the sum of the squares. A square never overflows and never rounds. */
bool exact_add_squares(struct exact *exact, const double *y, size_t n, size_t *bad);

/* Adds both sums of `part` to those of `exact`. */
void exact_combine(struct exact *exact, const struct exact *part);

/* Empties both sums. */
void exact_clear(struct exact *exact);

/* Copies a sum into `total`. */
void exact_sum(const struct exact *exact, struct exact_total *total);
void exact_squares(const struct exact *exact, struct exact_total *total);

#endif
