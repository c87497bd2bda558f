/* Memory between two pages without access rights: a function that writes beyond an array of its
 * own process dies at once. Any thread. */
#ifndef MEANTIME_SUMMAND_GUARDED_H
#define MEANTIME_SUMMAND_GUARDED_H

#include <stddef.h>

struct guarded {
    void *data;   /* zeros at first; its end is the end of a page; NULL: none */
    size_t bytes; /* as asked for */
};

/* Allocates `bytes`, a multiple of 64, aligned to 64. Returns NULL without memory. */
void *guarded_init(struct guarded *guarded, size_t bytes);

/* Accepts {0}. Sets all fields to 0. */
void guarded_clear(struct guarded *guarded);

#endif
