/* Prints what happens in a lesson, as the teaching example does, and draws a progress bar. */
#ifndef MEANTIME_CLIENT_LESSON_TRANSCRIPT_H
#define MEANTIME_CLIENT_LESSON_TRANSCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/common/terminal.h"

struct lesson;

struct transcript {
    FILE *out;                /* where lines are printed; NULL: nowhere */
    bool quiet;               /* print only results */
    int64_t narrate_every_ns; /* print at most one Pausing/Resuming pair in this time; 0: all */
    struct terminal bar;      /* the terminal behind stderr, where the bar is drawn */

    /* Private. */
    bool request_printed;     /* the line about the request's end is printed */
    uint64_t outages_printed; /* outages of the request that are printed */
    bool paused;              /* the last line about uniform_sum is Pausing */
    bool bar_drawn;           /* the bar is on the screen */
    int64_t resumed_at_ns; /* when the transcript last printed that uniform_sum begins or resumes */
    int64_t bar_due_at_ns; /* when to draw the bar again */
};

/* The first two functions are called before the step that they print, the others after it. */
void transcript_begin_request(struct lesson *lesson);
void transcript_begin_sum(struct lesson *lesson);
void transcript_slice(struct lesson *lesson);
void transcript_look(struct lesson *lesson);
void transcript_wait(struct lesson *lesson);

/* Removes the bar and prints the total time. */
void transcript_end(struct lesson *lesson);

#endif
