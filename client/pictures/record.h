/* What ran where, and when, in one run: for pictures of it. A pure core: times come in; no clock,
 * no formatting and, after record_init(), no allocation. One thread.
 *
 * Memory is bounded whatever the run's length: when there is no room for another turn, neighbours
 * are merged by twos. */
#ifndef MEANTIME_CLIENT_PICTURES_RECORD_H
#define MEANTIME_CLIENT_PICTURES_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/meantime.h"

/* Sixteen seconds of slices of a millisecond, each kept; 768 KiB. Even. */
#define RECORD_TURNS_MAX 16384

/* Around the reply so many turns are kept as they were: half of them before it. */
#define RECORD_NEAR_MAX 64

/* Servers that come and go: the marks of the first so many, the rest is counted. */
#define RECORD_MARKS_MAX 256

/* What a mark or a failure is told with; longer ones are cut. */
#define RECORD_WORDS_BYTES 64

/* Times in this file are in nanoseconds since the run's begin. */
struct lapse {
    int64_t begin_ns, end_ns;
};

/* A slice and the look after it, if there was one; or `slices` of them, which are neighbours. Of
 * one, the slice begins the lapse and the look ends it. */
struct turn {
    struct lapse lapse;
    int64_t slice_ns, look_ns; /* of all */
    uint64_t slices, looks;
};

/* A server was asked, or was left: `words` are where it was and why, in printable ASCII. */
enum mark_type {
    MARK_ASKED,
    MARK_LEFT,
};

struct mark {
    enum mark_type type;
    int64_t at_ns;
    char words[RECORD_WORDS_BYTES];
};

enum outcome {
    OUTCOME_OPEN, /* still asking when the run ended */
    OUTCOME_ANSWERED,
    OUTCOME_FAILED, /* `trouble` says why */
};

/* For reading. name: of the run, by the caller, in printable ASCII. wait: with nothing else to do;
 * empty where there was none. */
struct record {
    const char *name;
    int64_t began_at_ns; /* by the caller's clock */
    struct turn *turns;
    size_t turn_count;
    uint64_t grain; /* slices in each turn but the last: 1 where none were merged */
    struct lapse wait;
    int64_t asked_ns;
    int64_t over_ns; /* the request; of one that is open: the run */
    int64_t ended_ns;
    enum outcome outcome;
    char trouble[RECORD_WORDS_BYTES];
    uint64_t attempts, outages;
    struct mark marks[RECORD_MARKS_MAX];
    size_t mark_count;

    /* Private: a ring. */
    struct turn near[RECORD_NEAR_MAX];
    uint64_t near_written;
    uint64_t near_end; /* where it stops */
};

/* False where there is no memory. record_clear() frees. */
bool record_init(struct record *record);
void record_clear(struct record *record);

/* ---- what happens, in this order; instants are by the caller's clock ----------------------- */

void record_begin(struct record *record, int64_t at_ns);
void record_asked(struct record *record, int64_t at_ns);

void record_slice(struct record *record, int64_t began_at_ns, int64_t ended_at_ns);
void record_look(struct record *record, int64_t began_at_ns, int64_t ended_at_ns);

/* Idle all this time. Of waits that begin together, the last one counts. */
void record_wait(struct record *record, int64_t began_at_ns, int64_t ended_at_ns);

/* How often servers have been asked and left, as heard in a look or a wait; where the last one was
 * left, and why. */
void record_heard(struct record *record, int64_t began_at_ns, int64_t ended_at_ns,
                  const struct meantime_progress *progress);

/* The request is over. trouble: NULL where it was answered. */
void record_over(struct record *record, int64_t at_ns, const char *trouble);
void record_end(struct record *record, int64_t at_ns);

/* ---- for reading -------------------------------------------------------------------------- */

/* The request's time, cut at the marks: number 0 to mark_count. attempt: of the server that has the
 * request, 0 where none has. left: the words of the mark that ends it, or NULL. */
struct stretch {
    struct lapse lapse;
    uint64_t attempt;
    const char *left;
    bool answered;
};

struct stretch record_stretch(const struct record *record, size_t number);

/* All turns as one. */
struct turn record_whole(const struct record *record);

/* Turns around the reply, one by one whatever the grain: the oldest is number 0. */
size_t record_near_count(const struct record *record);
const struct turn *record_near(const struct record *record, size_t number);

static inline bool record_merged(const struct record *record)
{
    return record->grain > 1;
}

static inline int64_t lapse_ns(struct lapse lapse)
{
    return lapse.end_ns - lapse.begin_ns;
}

#endif
