/* A sum of any length, asked for piece by piece, that can be kept in a file and gone on with. The
 * shell of client/sum/window.h. */
#ifndef MEANTIME_CLIENT_SUM_LONG_SUM_H
#define MEANTIME_CLIENT_SUM_LONG_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/meantime.h"
#include "client/sum/checkpoint.h"
#include "client/sum/window.h"

/* A request in flight; 0: it is none any more. outages: how many of it have been heard of. */
struct asked {
    uint64_t request;
    uint64_t outages;
};

/* question: of the whole sum; its timeout is of the whole run. seed_given: false where a
 * checkpoint's may take the place of a fresh one. count_given: false where all samples that there
 * are may be summed. checkpoint: a file's name, NULL for none. for_ns: how long to sum; 0: to the
 * end. quiet: nothing is told on the way. After long_sum_run(): window.so_far is the sum,
 * began_with of which came from the file, and saved_count are in it. error and text: why there is
 * no more of it, if it is none of what the user wanted. */
struct long_sum {
    struct meantime *session;
    struct meantime_question question;
    bool seed_given;
    bool count_given;
    const char *checkpoint;
    int64_t for_ns;
    bool quiet;

    struct window window;
    struct asked asked[WINDOW_PIECES]; /* [of the piece in window.pieces] */
    uint64_t began_with;
    uint64_t saved_count;
    uint64_t attempts; /* servers asked, of all requests */
    int64_t began_at_ns, ended_at_ns;
    enum meantime_error error;
    char text[PATH_MAX + MEANTIME_TEXT_BYTES];

    struct checkpoint_file file;
    int64_t served_at_ns; /* when a server was last seen to have a request; 0: never */
    int64_t saved_at_ns, save_ns;
    bool failing; /* to save */
    int64_t told_at_ns;
    const char *left_endpoint; /* where an outage began that goes on, */
    const char *left_because;  /* and why; NULL: all is well, as far as was heard */
};

/* Returns when it is done, the time is over, or the user interrupts: true; or with an error. What
 * is summed by then is in the checkpoint. */
bool long_sum_run(struct long_sum *sum);

/* How many samples this run has summed. */
uint64_t long_sum_summed(const struct long_sum *sum);

/* Is there a sum to tell? All that was asked for; with for_ns, whatever this run has summed. */
bool long_sum_has_sum(const struct long_sum *sum);

/* Is it what the user wanted? With for_ns, as much as servers that were there to the end could. */
bool long_sum_succeeded(const struct long_sum *sum);

/* Is the checkpoint what it should be, where there is one? */
bool long_sum_kept(const struct long_sum *sum);

#endif
