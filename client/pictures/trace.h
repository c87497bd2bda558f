/* Runs as events for chrome://tracing and Perfetto: a process for each run, all from time 0, with a
 * thread for what became of the request and one for the local work. */
#ifndef MEANTIME_CLIENT_PICTURES_TRACE_H
#define MEANTIME_CLIENT_PICTURES_TRACE_H

#include <stdio.h>

#include "client/pictures/record.h"

/* One JSON object of runs that have ended. Slices and looks are events of their own, or, where the
 * record has merged them, events "slices" that tell how many and how long. Errors are the stream's.
 */
void trace_write(FILE *out, const struct record *runs, size_t count);

#endif
