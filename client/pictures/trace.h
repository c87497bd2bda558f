/* Writes lessons as trace events for chrome://tracing and Perfetto. Each lesson is a process that
 * begins at time 0. It has two threads, server_request and uniform_sum. */
#ifndef MEANTIME_CLIENT_PICTURES_TRACE_H
#define MEANTIME_CLIENT_PICTURES_TRACE_H

#include <stdio.h>

#include "client/pictures/record.h"

/* Writes one JSON object of `count` lessons that have ended. Each slice and each look is an event.
 * If the record has merged them, an event "slices" has their number and their time instead. Errors
 * are the stream's. */
void trace_write(FILE *out, const struct record *records, size_t count);

#endif
