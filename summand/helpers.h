/* The helper processes of one compute thread: one for each request that has its spans in turn, and
 * one that has already loaded the summand of the last span, so that the next request and the one
 * after a crash need not wait. One thread. */
#ifndef MEANTIME_SUMMAND_HELPERS_H
#define MEANTIME_SUMMAND_HELPERS_H

#include <stdbool.h>
#include <stdint.h>

#include "summand/helper_process.h"
#include "summand/summand.h"

/* Requests whose helpers are kept. Each needs the memory of its helper. */
#define HELPERS_KEPT 4

/* File descriptors of one thread: those helpers, the one that is ready, and one for an audit. */
#define HELPERS_FILES ((HELPERS_KEPT + 2) * HELPER_PROCESS_FILES)

struct helpers;

struct helpers_task {
    const struct summand *summand; /* outlives the helpers */
    struct helper_question question;
    uint64_t first, count; /* terms; first + count <= 2^63 */
    bool audit;            /* a new helper computes them, in calls of another size */
};

/* How the owner of a task takes part. */
struct helpers_watch {
    bool (*is_cancelled)(void *context); /* asked every few milliseconds */
    void (*print)(void *context, const struct summand *summand, const char *line);
    void *context;
};

/* NULL without memory. */
struct helpers *helpers_new(void);

/* Kills all helpers. Accepts NULL. */
void helpers_destroy(struct helpers **helpers);

/* Computes the terms and waits for the outcome. A request of the same summand, seed and parameters
 * keeps its helper. */
void helpers_sum(struct helpers *helpers, const struct helpers_task *task,
                 const struct helpers_watch *watch, struct helper_outcome *outcome);

/* Starts the helper for the next request of the last summand, unless it is ready. Call it when the
 * outcome has been passed on. Takes a millisecond. */
void helpers_prepare(struct helpers *helpers);

#endif
