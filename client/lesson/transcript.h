/* Tells a run in the words of the teaching example, as it goes, and draws its progress bar. */
#ifndef MEANTIME_CLIENT_LESSON_TRANSCRIPT_H
#define MEANTIME_CLIENT_LESSON_TRANSCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/common/terminal.h"

struct lesson;

/* A server was left: which one, and why. */
#define ASKING_AGAIN "The server at %s %s. Asking again.\n"

enum note {
    NOTE_BEGIN_REQUEST,
    NOTE_BEGIN_SUM,
    NOTE_SLICE, /* of the uniform sum, done */
    NOTE_LOOK,  /* at the server's socket, done */
    NOTE_WAIT,  /* for the server, nothing else being done */
};

/* words: where the transcript goes; NULL for nowhere. quiet: results alone.
 * pauses_ns: a pause is told at most so often. bar: of stderr; drawn where it is a terminal. */
struct transcript {
    FILE *words;
    bool quiet;
    int64_t pauses_ns;
    struct terminal bar;

    bool request_told;
    uint64_t outages_told;
    bool paused;
    bool bar_drawn;
    int64_t resumed_at_ns;
    int64_t bar_at_ns;
};

/* What has just happened in `run`. */
void note(struct lesson *run, enum note what);

/* The run is over: removes the bar and tells the time. */
void transcript_end(struct lesson *run);

#endif
