/* Tells a long sum: how it goes, on stderr, and what came of it. */
#ifndef MEANTIME_CLIENT_SUM_SUM_TRANSCRIPT_H
#define MEANTIME_CLIENT_SUM_SUM_TRANSCRIPT_H

#include <stdint.h>

#include "client/lib/meantime.h"

struct long_sum;

/* ---- on the way; nothing where it is to be quiet ---- */

/* It goes on from what its checkpoint has. */
void sum_transcript_resumed(const struct long_sum *sum);

/* How far it is: a bar on a terminal, else now and then a line for the log. */
void sum_transcript_progress(struct long_sum *sum, int64_t now_ns);

/* A server was left. */
void sum_transcript_outage(const struct long_sum *sum, const struct meantime_progress *progress);

/* The checkpoint could not be saved, and what follows from that. Where it is to be quiet, too. */
void sum_transcript_unsaved(const struct long_sum *sum, const char *consequence);

/* Removes the bar. */
void sum_transcript_end(const struct long_sum *sum);

/* ---- afterwards ---- */

/* The sum, on stdout; where there is none, the seed of what was asked. */
void sum_transcript_print(const struct long_sum *sum);

/* Why there is no more, on stderr, and what the checkpoint has. */
void sum_transcript_trouble(const struct long_sum *sum);

#endif
