/* Records when a lesson's two tasks were busy, for pictures of the lesson. A pure core: times come
 * in; no clock, no formatting and, after record_init(), no allocation. One thread.
 *
 * The memory is bounded, however long the lesson is: if there is no room for another pass, each
 * two neighbours are merged into one. */
#ifndef MEANTIME_CLIENT_PICTURES_RECORD_H
#define MEANTIME_CLIENT_PICTURES_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/meantime.h"

/* Passes that are kept: 16 seconds of slices of 1 ms, in 768 KiB. An even number. */
#define RECORD_PASSES_MAX 16384

/* Passes around the reply that are never merged: half of them before the reply. */
#define RECORD_NEAR_MAX 64

/* Marks that are kept, from the first one on. Later ones are not recorded. */
#define RECORD_MARKS_MAX 256

/* Longest text of a mark or a failure, with its NUL. Longer ones are truncated. */
#define RECORD_TEXT_BYTES 64

/* All times in this file are in nanoseconds since the lesson's start, unless a name has _at_ns. */
struct interval {
    int64_t begin_ns, end_ns;
};

/* One pass of the loop in client/async.c: a slice and the look after it, if there was one. Or
 * several neighbouring passes, merged. */
struct loop_pass {
    struct interval interval; /* of one pass: the slice is at its start, the look at its end */
    int64_t slice_ns;         /* all slices together */
    int64_t look_ns;          /* all looks together */
    uint64_t slices;
    uint64_t looks;
};

enum mark_type {
    MARK_ATTEMPT, /* the request was sent to a server */
    MARK_LOST,    /* that server was lost */
};

struct mark {
    enum mark_type type;
    int64_t at_ns;
    char text[RECORD_TEXT_BYTES]; /* of MARK_LOST: endpoint and reason, in printable ASCII */
};

enum record_outcome {
    RECORD_OPEN, /* the request was not over when the lesson ended */
    RECORD_ANSWERED,
    RECORD_FAILED,
};

/* All fields but the private ones are for reading. */
struct record {
    const char *name;    /* of the lesson, in printable ASCII; set by the caller */
    int64_t began_at_ns; /* by the caller's clock */
    int64_t ended_ns;

    /* uniform_sum. */
    struct loop_pass *passes;
    size_t pass_count;
    uint64_t slices_per_pass; /* in each pass but the last; 1: none are merged */
    struct interval wait;     /* idle; empty: never */

    /* server_request. */
    int64_t sent_ns;
    int64_t over_ns; /* if the request is still open: the lesson's end */
    enum record_outcome outcome;
    char reason[RECORD_TEXT_BYTES]; /* of a failure */
    uint64_t attempts;
    uint64_t outages;
    struct mark marks[RECORD_MARKS_MAX];
    size_t mark_count;

    /* Private: a ring with the last passes. */
    struct loop_pass near[RECORD_NEAR_MAX];
    uint64_t near_written; /* passes that were written so far */
    uint64_t near_end; /* the count of near passes at which writing stops: half of the ring after
                          the reply */
};

/* Returns false if there is not enough memory. record_clear() frees it. */
bool record_init(struct record *record);
void record_clear(struct record *record);

/* ---- events, in this order; points in time are by the caller's clock ----------------------- */

void record_begin(struct record *record, int64_t at_ns);
void record_request_sent(struct record *record, int64_t at_ns);

void record_slice(struct record *record, int64_t began_at_ns, int64_t ended_at_ns);
void record_look(struct record *record, int64_t began_at_ns, int64_t ended_at_ns);

/* The client was idle from began_at_ns to ended_at_ns. Replaces the wait before. */
void record_wait(struct record *record, int64_t began_at_ns, int64_t ended_at_ns);

/* The progress that a look or a wait has found. */
void record_progress(struct record *record, int64_t began_at_ns, int64_t ended_at_ns,
                     const struct meantime_progress *progress);

/* reason: why the request failed; NULL: it was answered. */
void record_request_over(struct record *record, int64_t at_ns, const char *reason);

void record_end(struct record *record, int64_t at_ns);

/* ---- reading ------------------------------------------------------------------------------ */

/* A part of the request's time. The marks are its bounds. */
struct request_phase {
    struct interval interval;
    uint64_t attempt; /* number of the attempt; 0: no server has the request */
    const char *lost; /* text of the mark if the phase ends with a lost server; else NULL */
    bool answered;    /* the phase ends with the reply */
};

/* number: 0 to mark_count. */
struct request_phase record_phase(const struct record *record, size_t number);

/* All passes merged into one. */
struct loop_pass record_all_passes(const struct record *record);

/* The passes around the reply, never merged. number: 0 is the oldest. */
size_t record_near_count(const struct record *record);
const struct loop_pass *record_near(const struct record *record, size_t number);

static inline bool record_merged(const struct record *record)
{
    return record->slices_per_pass > 1;
}

static inline int64_t interval_ns(struct interval interval)
{
    return interval.end_ns - interval.begin_ns;
}

#endif
