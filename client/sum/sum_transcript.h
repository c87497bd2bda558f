/* Prints the progress of a long sum on stderr, and its result on stdout. */
#ifndef MEANTIME_CLIENT_SUM_SUM_TRANSCRIPT_H
#define MEANTIME_CLIENT_SUM_SUM_TRANSCRIPT_H

#include <stdint.h>

#include "client/lib/meantime.h"
#include "client/sum/sum_state.h"

/* ---- during the sum: all but _unsaved() print nothing if `quiet` is set ---- */

/* The sum resumes from its checkpoint. */
void sum_transcript_resumed(const struct sum_state *sum);

/* Draws a bar on a terminal, or else prints a line every 30 seconds. */
void sum_transcript_progress(struct sum_state *sum, int64_t now_ns);

/* A server is lost. */
void sum_transcript_outage(const struct sum_state *sum, const struct meantime_progress *progress);

/* The checkpoint cannot be written. consequence: how the program goes on. */
void sum_transcript_unsaved(const struct sum_state *sum, const char *consequence);

/* The checkpoint is written, but something about it is weaker than usual. */
void sum_transcript_warning(const struct sum_state *sum, const char *text);

/* Removes the bar. */
void sum_transcript_end(const struct sum_state *sum);

/* ---- after the sum ---- */

/* Prints the sum on stdout. If there is no sum, prints the seed. */
void sum_transcript_print(const struct sum_state *sum);

/* Prints on stderr why the sum is incomplete, and how to resume it. */
void sum_transcript_print_error(const struct sum_state *sum);

#endif
