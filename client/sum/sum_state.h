/* The state of a long sum: a sum of any length, which the client asks for in pieces. */
#ifndef MEANTIME_CLIENT_SUM_SUM_STATE_H
#define MEANTIME_CLIENT_SUM_SUM_STATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "client/sum/checkpoint.h"
#include "client/sum/tally.h"
#include "client/sum/window.h"

/* The request for one piece. */
struct piece_request {
    uint64_t number;  /* of the request in the session; 0: none is in flight */
    uint64_t outages; /* of this request that are reported already */
};

/* Points in time are by clock_ns(). */
struct sum_state {
    /* Set by the caller. */
    struct meantime *session;
    struct meantime_question question; /* for the whole sum; its timeout is for the whole run. Its
                                        * build becomes that of the first answer */
    bool seed_given;  /* false: the seed is new, and the checkpoint's seed may replace it */
    bool count_given; /* false: question.count is the end of the stream, not the user's wish */
    const char *checkpoint; /* name of the file; NULL: none */
    int64_t for_ns;         /* how long to sum; 0: until all samples are summed */
    int64_t patience_ns;    /* how long an outage may last; 0: for ever */
    bool quiet;             /* print no progress */
    double until_error;     /* the standard error at which a sum of a summand ends; 0: none */
    const char *output;     /* the name of its output; NULL: the first */

    /* Results. */
    struct window window;
    struct tally so_far;   /* the sum of the samples or terms before the first gap */
    bool precise;          /* the sum has ended because its error is small enough */
    uint64_t resumed_from; /* samples that came from the checkpoint */
    uint64_t saved_count;  /* samples that the checkpoint has */
    uint64_t attempts;     /* of all requests together */
    int64_t began_at_ns;
    int64_t ended_at_ns;
    enum meantime_error error; /* why the sum is incomplete; MEANTIME_OK: no error */
    char text[PATH_MAX + MEANTIME_TEXT_BYTES]; /* the error as a sentence without full stop */
    bool save_failed;                          /* the last attempt to write the checkpoint failed */

    /* Private. */
    struct piece_request requests[WINDOW_PIECES]; /* [window_index() of the piece] */
    struct tally parts[WINDOW_PIECES];            /* the sum of each answered piece */
    struct checkpoint_file file;
    int64_t served_at_ns;      /* when a server last had a request; 0: never */
    int64_t saved_at_ns;       /* when the last save ended */
    int64_t save_ns;           /* how long the last save took */
    int64_t progress_at_ns;    /* when progress was last printed */
    const char *left_endpoint; /* the server whose loss began the present outage; NULL: none */
    const char *left_because;  /* the reason of that loss; NULL: none */
};

/* Samples that this run has summed; those of the checkpoint do not count. */
uint64_t sum_state_summed(const struct sum_state *sum);

/* True if there is a sum to print: of all samples, or of the first ones, if the sum is incomplete.
 */
bool sum_state_has_sum(const struct sum_state *sum);

/* "samples" or "terms". */
const char *sum_state_noun(const struct sum_state *sum);

/* The index of the output whose error decides. Equal to so_far.output_count if there is none. */
uint64_t sum_state_output(const struct sum_state *sum);

/* Estimates the mean of that output. Returns false if no terms are summed yet. */
bool sum_state_estimate(const struct sum_state *sum, struct meantime_estimate *estimate);

/* Frees the totals. */
void sum_state_clear(struct sum_state *sum);

/* True if there is a sum and no error. With for_ns, it is an error if no server is reachable at the
 * end. */
bool sum_state_succeeded(const struct sum_state *sum);

#endif
