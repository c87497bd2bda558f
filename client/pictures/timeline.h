/* A picture of one run, or of two on one scale, as SVG: who was busy when, and, where the reply
 * came during the work, the slices and looks around it. Stands alone, without scripts and fonts;
 * has the colours that the reader prefers, dark or light, and no background of its own. */
#ifndef MEANTIME_CLIENT_PICTURES_TIMELINE_H
#define MEANTIME_CLIENT_PICTURES_TIMELINE_H

#include <stdio.h>

#include "client/pictures/record.h"

/* Runs that one picture has room for. */
#define TIMELINE_RUNS_MAX 2

/* Draws 1 or 2 runs that have ended. Errors are the stream's. */
void timeline_draw(FILE *out, const struct record *runs, size_t count);

#endif
