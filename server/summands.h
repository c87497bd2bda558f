/* The summands of this server: functions of users that its compute threads sum with helper
 * processes. One thread; compute threads only read. */
#ifndef MEANTIME_SERVER_SUMMANDS_H
#define MEANTIME_SERVER_SUMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bounds.h"
#include "proto/outputs.h"
#include "summand/summand.h"

struct summands {
    int program;    /* descriptor of the helper program; -1: none is open */
    uint32_t count; /* 0 to OFFERS_MAX */
    struct summand list[OFFERS_MAX];
    struct offer offers[OFFERS_MAX]; /* the same, for the dispatcher */
};

/* Loads and examines the files, in this order: a second or more for each. A file that is compiled
 * for another processor is skipped with a warning. Returns false after a sentence in the log; call
 * summands_clear() even then.
 * settings: all but `program`, which is opened here. capacity: compute threads. */
bool summands_init(struct summands *summands, const char *const *paths, uint32_t count,
                   const struct helper_settings *settings, uint32_t capacity);
void summands_clear(struct summands *summands);

/* Returns the summand, or NULL. */
const struct summand *summands_find(const struct summands *summands, const char *name);

#endif
