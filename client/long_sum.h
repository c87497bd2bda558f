/* A sum of any length, asked for piece by piece, that can be kept in a file and gone on with. The
 * shell of client/window.h. */
#ifndef MEANTIME_CLIENT_LONG_SUM_H
#define MEANTIME_CLIENT_LONG_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "client/checkpoint.h"
#include "client/meantime.h"
#include "client/window.h"

/* question: of the whole sum; its timeout is of the whole run. seed_given: false where a
 * checkpoint's may take the place of a fresh one. checkpoint: a file's name, NULL for none. for_ns:
 * how long to sum; 0: to the end. quiet: nothing is told on the way. After long_sum_run():
 * window.so_far is the sum, began_with of which came from the file, and saved_count are in it.
 * error and text: why there is no more of it, if it is none of what the user wanted. */
struct long_sum {
    struct meantime *session;
    struct meantime_question question;
    bool seed_given;
    const char *checkpoint;
    int64_t for_ns;
    bool quiet;

    struct window window;
    uint64_t began_with;
    uint64_t saved_count;
    uint64_t attempts; /* servers asked, of all requests */
    int64_t began_at_ns, ended_at_ns;
    enum meantime_error error;
    char text[PATH_MAX + MEANTIME_TEXT_BYTES];

    struct checkpoint_file file;
    int64_t saved_at_ns, save_ns;
    bool failing; /* to save */
    int64_t told_at_ns;
};

/* Returns when it is done, the time is over, or the user interrupts: true; or with an error. What
 * is summed by then is in the checkpoint. */
bool long_sum_run(struct long_sum *sum);

/* Is there all that was asked for? With for_ns that is what could be summed by then. */
bool long_sum_succeeded(const struct long_sum *sum);

/* Is the checkpoint what it should be, where there is one? */
bool long_sum_kept(const struct long_sum *sum);

#endif
